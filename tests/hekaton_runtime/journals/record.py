"""Records the journals of missions as this version makes them: `python tests/hekaton_runtime/journals/record.py [NAME...]`.

Run it only after a change of a strategy that missions under way cannot live with, together with a
new version in crds/hekaton_api/version.py and a line in CHANGELOG.md; or with names, for new ones alone.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

import asyncpg

from hekaton_api.version import __version__
from hekaton_runtime.store.embedded import embedded

HERE = Path(__file__).resolve().parent
MISSIONS = HERE.parents[2] / "manifests" / "missions"
RUNS = {
    "swarm": ("duration-library", ()),
    "single": ("extend-tally", ("--mode", "single")),
    "repair": ("extend-tally", ("--mode", "single", "--competence", "0")),
    "trivial": ("extend-tally", ()),
    "vote": ("extend-tally", ("--mode", "vote")),
    "debate": ("extend-tally", ("--mode", "debate")),
    "flat": ("duration-library", ("--mode", "flat")),
    "hierarchical": ("duration-library", ("--mode", "hierarchical")),
    "auto": ("duration-library", ("--mode", "auto")),
    "examined": ("extend-tally", ()),
}
"""Name of the recording -> mission and options. `swarm` holds a debate, `trivial` skips the planning, and
`examined` is of edition 3, which asks tools before its auditors; the others are older."""


def run(home: Path, name: str) -> None:
    mission, options = RUNS[name]
    words = ["run", str(MISSIONS / f"{mission}.yaml"), "--simulate", *options]
    subprocess.run(
        [sys.executable, "-m", "hekaton_runtime.cli.main", *words],
        env={"PATH": os.environ["PATH"], "HEKATON_HOME": str(home)}, check=False, capture_output=True,
    )  # fmt: skip


async def recorded(dsn: str) -> dict[str, object]:
    """The newest mission and its journal."""
    link = await asyncpg.connect(dsn)
    try:
        mission = await link.fetchrow(
            "select id, document, formation, state, reason from hekaton.mission order by created_at desc limit 1"
        )
        assert mission is not None
        rows = await link.fetch(
            "select path, fingerprint, body from hekaton.journal where mission_id = $1 order by seq",
            mission["id"],
        )
    finally:
        await link.close()
    entries = [
        [row["path"], row["fingerprint"].hex(), b64encode(row["body"]).decode()] for row in rows
    ]
    return {
        "version": __version__,
        "mission": json.loads(mission["document"]),
        "formation": json.loads(mission["formation"]),
        "outcome": mission["state"],
        "reason": mission["reason"],
        "entries": entries,
    }


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="hr-", dir="/tmp") as folder:
        home = Path(folder)
        home.chmod(0o755)
        with embedded(home) as dsn:
            for name in sys.argv[1:] or RUNS:
                run(home, name)
                text = json.dumps(asyncio.run(recorded(dsn)), indent=0)
                (HERE / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
