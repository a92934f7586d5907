"""Endurance: missions whose conductor is killed (-9) again and again, at random moments, until they end.

    python benchmarks/soak.py --kills 100

Every mission must end with the artifact of an undisturbed run; no settled call may be repeated; the
ledger must agree with the model server's own bill. Models are SIMULATED. Exit code 1: a promise broke.
"""

import argparse
import asyncio
import atexit
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from hekaton_runtime.models.simulated.book_yaml import load
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.store.embedded import embedded
from hekaton_runtime.store.postgres import Database, connect

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("duration-library", "extend-tally", "repair-inventory")
CUT = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hekaton' and pid <> pg_backend_pid()"
WRONG = """
select a.path from hekaton.account a
left join hekaton.call c on c.mission_id = a.mission_id and a.path = any(c.accounts)
where a.mission_id = $1 group by a.mission_id, a.path having
   a.spent_tokens + a.reserved_tokens > a.cap_tokens or a.spent_micros + a.reserved_micros > a.cap_micros
or a.overrun_tokens > 0
or a.reserved_tokens <> coalesce(sum(c.reserved_tokens) filter (where c.state = 'open'), 0)
or a.spent_micros <> coalesce(sum(c.micros), 0)
or a.spent_tokens <> coalesce(sum(case c.state when 'settled' then c.prompt_tokens + c.completion_tokens
                                               when 'unknown' then c.reserved_tokens else 0 end), 0)
"""
REPEATED = "select path from hekaton.call where mission_id = $1 and state = 'settled' group by path having count(*) > 1"


@dataclass
class Tally:
    """What happened in all missions so far."""

    missions: int = 0
    kills: int = 0
    cuts: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    billed: int = 0
    settled: int = 0
    reserved: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where a soak runs."""

    home: Path
    database: Database
    environ: dict[str, str]


async def hekaton(place: Place, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hekaton_runtime.cli.main", *words, "--json", env=place.environ,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, limit=2**22,
    )  # fmt: skip


async def events(process: asyncio.subprocess.Process, many: int) -> None:
    """Read until so many events have come, or the process has ended."""
    assert process.stdout is not None
    while many > 0 and await process.stdout.readline():
        many -= 1


async def newest(place: Place, before: set[str]) -> str:
    rows = await place.database.fetch("select id from hekaton.mission")
    return next((row["id"] for row in rows if row["id"] not in before), "")


async def mission(place: Place, name: str, kills: int, chance: random.Random, tally: Tally) -> str:
    """Run one mission through its kills; returns the hash of its tree."""
    file = ROOT / "manifests" / "missions" / f"{name}.yaml"
    book = load(file.with_suffix(".book.yaml").read_text())
    models = tuple(SimulatedModel(n, 1.0, 0.05, 0.0002) for n in ("sim-strong", "sim-fast"))
    before = {row["id"] for row in await place.database.fetch("select id from hekaton.mission")}
    async with serve(SimulatedSettings(models, book)) as url:
        code: int | None = None
        while code is None:
            known = await newest(place, before)
            words = ("resume", known) if known else ("run", str(file), "--base-url", f"{url}/v1")
            code = await attempt(place, words, kills > 0, chance, tally, known)
            kills -= code is None
        known = await newest(place, before)
        async with httpx.AsyncClient(trust_env=False) as client:
            bill = (await client.get(f"{url}/billing")).json()["calls"]
    if code:
        tally.broken.append(f"{known}: exit code {code}")
    if left := strays(place.home):
        tally.broken.append(f"{known}: processes left behind: {left}")
    await audit(place, known, bill, tally)
    return tree(place.home / "missions" / known)


async def attempt(
    place: Place, words: Sequence[str], kill: bool, chance: random.Random, tally: Tally, known: str
) -> int | None:
    """One conductor's life; None when it was killed."""
    process = await hekaton(place, *words)
    if kill:
        many = chance.choice((0, chance.randrange(1, 12), chance.randrange(1, 40)))
        await events(process, many)
        if many and chance.random() < 0.2:
            await place.database.fetch(CUT)
            tally.cuts += 1
        await asyncio.sleep(chance.uniform(0, 0.12 if many else 1.2))
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
    _, errors = await process.communicate()
    if process.returncode == -signal.SIGKILL:
        tally.kills += 1
        phase = "select phase from hekaton.mission where id = $1"
        tally.phases[await place.database.value(phase, known) or "starting"] += 1
        return None
    if process.returncode:
        print(errors.decode(), file=sys.stderr)
    return process.returncode


async def audit(place: Place, known: str, bill: list[dict[str, Any]], tally: Tally) -> None:
    """Hold the ledger against itself and against the server's bill."""
    for name, sql in (("accounts", WRONG), ("repeated calls", REPEATED)):
        if rows := await place.database.fetch(sql, known):
            tally.broken.append(f"{known}: {name}: {[row['path'] for row in rows]}")
    calls = await place.database.fetch("select * from hekaton.call where mission_id = $1", known)
    settled = Counter(
        (c["model"], c["prompt_tokens"], c["completion_tokens"])
        for c in calls
        if c["state"] == "settled"
    )
    left = Counter((b["model"], b["prompt_tokens"], b["completion_tokens"]) for b in bill)
    if settled - left:
        tally.broken.append(f"{known}: settled and never billed: {settled - left}")
    for model in {c["model"] for c in calls}:
        rest = [one[1] + one[2] for one in (left - settled).elements() if one[0] == model]
        held = [
            c["reserved_tokens"] for c in calls if c["state"] == "unknown" and c["model"] == model
        ]
        pairs = zip(sorted(held, reverse=True), sorted(rest, reverse=True), strict=False)
        if len(rest) > len(held) or any(covers < billed for covers, billed in pairs):
            tally.broken.append(f"{known}: {model} billed {rest}, charged as unknown {held}")
    tally.missions += 1
    tally.calls.update(c["state"] for c in calls)
    tally.billed += sum(b["prompt_tokens"] + b["completion_tokens"] for b in bill)
    tally.settled += sum((one[1] + one[2]) * many for one, many in settled.items())
    tally.reserved += sum(c["reserved_tokens"] for c in calls if c["state"] == "unknown")


def strays(home: Path) -> list[str]:
    """Processes that still work in a mission's folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(entry.joinpath("cwd").readlink()).startswith(f"{home}/missions"):
                found.append(entry.joinpath("cmdline").read_text().replace("\0", " "))
    return found


def tree(folder: Path) -> str:
    said = subprocess.run(
        ["git", f"--git-dir={folder}/workspace/repo.git", "-c", "safe.directory=*", "rev-parse", "result^{tree}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return said.stdout.strip()


def table(tally: Tally, seed: int, seconds: float) -> str:
    rows = [
        ("missions ended with the undisturbed artifact", f"{tally.missions}"),
        ("kills (-9) of the conductor", f"{tally.kills}"),
        ("of these by phase", ", ".join(f"{n} {p}" for p, n in tally.phases.most_common())),
        ("all database connections cut", f"{tally.cuts}"),
        ("calls settled / unknown / released", " / ".join(f"{tally.calls[s]}" for s in ("settled", "unknown", "released"))),
        ("calls left open", f"{tally.calls['open']}"),
        ("tokens billed by the server", f"{tally.billed:,}"),
        ("tokens settled in the ledger", f"{tally.settled:,}"),
        ("tokens charged for unknown outcomes", f"{tally.reserved:,}"),
        ("promises broken", f"{len(tally.broken)}"),
    ]  # fmt: skip
    head = f"SIMULATED models, seed {seed}, {seconds:.0f} s, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    body = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return "\n".join(
        [head, "", "| | |", "|---|---:|", body, *(f"BROKEN {b}" for b in tally.broken)]
    )


async def soak(place: Place, kills: int, seed: int, each: int) -> Tally:
    chance, tally = random.Random(seed), Tally()
    expected = {name: await mission(place, name, 0, chance, Tally()) for name in NAMES}
    while tally.kills < kills and not tally.broken:
        name = NAMES[tally.missions % len(NAMES)]
        found = await mission(place, name, min(each, kills - tally.kills), chance, tally)
        if found != expected[name]:
            tally.broken.append(f"{name}: tree {found!r} instead of {expected[name]!r}")
        print(json.dumps({"mission": tally.missions, "kills": tally.kills}), flush=True)
    return tally


async def run(home: Path, dsn: str, kills: int, seed: int, each: int) -> Tally:
    parts = urlsplit(dsn)
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home / "tmp"), "HEKATON_HOME": str(home),
        "HEKATON_DB_HOST": parse_qs(parts.query)["host"][0], "HEKATON_DB_PORT": "5432",
        "HEKATON_DB_NAME": parts.path.strip("/"), "HEKATON_DB_USER": "postgres",
    }  # fmt: skip
    async with connect(dsn) as database:
        return await soak(Place(home, database, environ), kills, seed, each)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--kills", type=int, default=100)
    words.add_argument("--each", type=int, default=6, help="kills of one mission at most")
    words.add_argument("--seed", type=int, default=1)
    given = words.parse_args()
    home = Path(tempfile.mkdtemp(prefix="hs-", dir="/tmp"))
    home.chmod(0o755)
    (home / "tmp").mkdir()
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # after the server's own last words
    began = time.monotonic()
    with embedded(home) as dsn:
        tally = asyncio.run(run(home, dsn, given.kills, given.seed, given.each))
    print(table(tally, given.seed, time.monotonic() - began))
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
