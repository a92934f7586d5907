"""Seeded defects against the review gate: what acceptance, tools and an auditor find, and what they accuse wrongly.

    .venv/bin/python benchmarks/audit.py                     # our missions, a SIMULATED auditor
    .venv/bin/python benchmarks/audit.py --data FILE.jsonl.gz --base-url URL --model NAME

Defects are mutants by Cosmic Ray of solutions that are right. A mutant counts as a defect if the whole tests
fail on it; the gate sees a weakened acceptance, as real defects are those that acceptance lets through.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from auditor.auditors import Auditor, Served, Simulated
from auditor.gate import Gate, Mutant
from auditor.programs import Program, of_data, of_missions
from auditor.tally import Seen, lines
from figures.report import ROOT, Report, Table, load, machine, options, publish

from hekaton_runtime.brief import ToolName

SCRIPT = Path(__file__).resolve().parent / "auditor" / "mutate.py"
PEERS = ROOT / ".cache" / "peers" / "bin" / "python"
KEY = "OPENAI_API_KEY"
REMEDY = "`make bench-peers` makes a Python that has Cosmic Ray."


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a run."""

    seen: tuple[Seen, ...]
    unknown: int
    """Mutants that the whole tests cannot tell from the solution."""
    programs: int


def mutants(
    programs: tuple[Program, ...], python: Path, most: int, seed: int
) -> dict[str, tuple[Mutant, ...]]:
    """Of every module of every solution, after the solution itself."""
    places = [(one, file) for one in programs for file in one.solution if file.path.endswith(".py")]
    given = {"sources": [file.text for _, file in places], "seed": seed, "most": most}
    try:
        said = subprocess.run(
            [python, "-I", SCRIPT], input=json.dumps(given), capture_output=True, text=True, check=False
        )  # fmt: skip
    except OSError as fault:
        raise SystemExit(f"--mutator: {str(python)!r}: {fault.strerror}. {REMEDY}") from fault
    if said.returncode:
        raise SystemExit(f"--mutator: {said.stderr.strip()[-300:]}\n{REMEDY}")
    found = {one.name: [Mutant("", "", "")] for one in programs}
    for (one, file), raws in zip(places, json.loads(said.stdout), strict=True):
        found[one.name] += [
            Mutant(file.path, raw["operator"], raw["text"], raw["line"]) for raw in raws
        ]
    return {name: tuple(every) for name, every in found.items()}


async def run(
    programs: tuple[Program, ...], specimens: dict[str, tuple[Mutant, ...]],
    tools: tuple[ToolName, ...], auditor: Auditor,
) -> Found:  # fmt: skip
    seen: list[Seen] = []
    unknown = 0
    with tempfile.TemporaryDirectory(prefix="hekaton-audit-") as folder:
        for number, program in enumerate(programs):
            gate = Gate(program, Path(folder) / str(number), tools, auditor)
            async for one in gate.seen(specimens[program.name]):
                unknown += one is None
                seen += [one] if one else []
            print(f"{program.name}: {len(seen)} specimens so far", file=sys.stderr)
    return Found(tuple(seen), unknown, len(programs))


def report(found: Found, auditor: Auditor, tools: tuple[ToolName, ...]) -> Report:
    made = lines(found.seen, auditor.name)
    rows = tuple(
        (one.name, str(one.recall), str(one.false_alarms), str(one.precision)) for one in made
    )
    columns = ("part", "recall (95 %)", "false alarms (95 %)", "precision here (95 %)")
    defects = sum(one.defect for one in found.seen)
    past = sum(one.defect and one.accepted for one in found.seen)
    notes = (
        f"{found.programs} correct programs; {defects} mutants that the whole tests refute, of which {past} pass the"
        f" weakened acceptance; {found.unknown} more that no test tells from the solution are left out.",
        f"Tools: {', '.join(tools)}; one counts as an alarm from a finding of medium severity. They did not look"
        f" {sum(one.silent for one in found.seen)} times of {len(tools) * sum(one.accepted for one in found.seen)}.",
        "Precision depends on how many defects there are for each sound program here; it is no figure of a real team's work.",
        "Mutants are slips of logic: they say nothing about the detection of unsafe code.",
        "Intervals are Wilson's and take mutants for independent; those of one program are not quite.",
    )
    simulated = isinstance(auditor, Simulated)
    what = (
        "Correct programs and mutants of them through the runtime's own gate: acceptance first, tools in the sandbox"
        " on what passed, then an auditor whose grades the evidence bounds."
        + (" SIMULATED: the auditor's rows only show that its known rates come out again." if simulated else "")
    )  # fmt: skip
    title = "Detection of seeded defects" + (" (auditor SIMULATED)" if simulated else "")
    figures = {"lines": [asdict(one) for one in made], "unknown": found.unknown}
    table = Table(title, columns, rows)
    return Report(
        "auditor", "The review gate against seeded defects", what, (table,), notes, figures
    )


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--data", type=Path, help="More programs: a file in HumanEval's form.")
    words.add_argument("--tasks", type=int, default=20, help="Of that file.")
    words.add_argument("--mutants", type=int, default=8, help="Of each module.")
    words.add_argument(
        "--mutator",
        type=Path,
        default=Path(os.environ.get("MUTATOR", PEERS)),
        help="The Python with Cosmic Ray; also by $MUTATOR.",
    )
    words.add_argument("--tools", default="ruff,mypy,bandit", help="Comma-separated.")
    words.add_argument("--base-url", help=f"Of a real auditor; its key is taken from {KEY}.")
    words.add_argument("--model", default="")
    words.add_argument("--context", type=int, default=16_384)
    words.add_argument("--sensitivity", type=float, default=0.7, help="Of the simulated auditor.")
    words.add_argument("--false-alarms", type=float, default=0.1, help="Of the simulated auditor.")
    given = words.parse_args()
    if bool(given.base_url) != bool(given.model):
        words.error("--base-url and --model belong together: give both, or none")
    tools = tuple(one for one in get_args(ToolName) if one in given.tools.split(","))
    if unknown := set(filter(None, given.tools.split(","))) - set(tools):
        words.error(f"--tools: {sorted(unknown)!r}; known: {', '.join(get_args(ToolName))}")
    before = load()
    programs = of_missions() + (of_data(given.data, given.tasks) if given.data else ())
    auditor: Auditor = Simulated(given.sensitivity, given.false_alarms, given.seed)
    if given.base_url:
        auditor = Served(given.base_url, given.model, os.environ.get(KEY, ""), given.context)
    specimens = mutants(programs, given.mutator, given.mutants, given.seed)
    found = asyncio.run(run(programs, specimens, tools, auditor))
    made = report(found, auditor, tools)
    publish(made, machine(before), as_json=given.json, write=given.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
