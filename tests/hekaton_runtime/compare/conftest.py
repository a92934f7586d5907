"""A plan and results without missions, and a small file of tasks for those with."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from hekaton_runtime.bench.rows import Row
from hekaton_runtime.compare.analysis import Result
from hekaton_runtime.compare.plan import Arguments, Plan, drawn_up

Planned = Callable[..., Plan]
Resulted = Callable[..., tuple[Result, ...]]


@pytest.fixture
def planned() -> Planned:
    def make(
        tasks: int = 20, arms: tuple[str, ...] = ("single", "vote"), caps: tuple[int, ...] = (1000,),
        seeds: int = 1, simulate: bool = False,
    ) -> Plan:  # fmt: skip
        arguments = Arguments(
            tasks="t.jsonl",
            modes=arms,
            formations=("f",),
            caps=caps,
            seeds=seeds,
            simulate=simulate,
        )
        names = tuple(f"t/{number}" for number in range(tasks))
        return drawn_up("compare-1", "small", arguments, arms, names)

    return make


def row(task: str, right: bool, mode: str, **more: object) -> Row:
    facts: dict[str, object] = {
        "task": task, "mode": mode, "seed": 0, "complexity": "", "tokens": 500, "cost_micros": 10,
        "latency": 1.0, "outcome": "PASS" if right else "FAIL", "reason": "", "loops": 0,
        "first_try": right, "accepted": right, "mission": f"m-{task}-{mode}", **more,
    }  # fmt: skip
    return msgspec.convert(facts, Row)


@pytest.fixture
def resulted() -> Resulted:
    """Results of one arm at one cap: which tasks, of all in their order, are right."""

    def make(
        plan: Plan, arm: str, right: Sequence[bool], cap: int = 1000, **more: object
    ) -> tuple[Result, ...]:
        pairs = zip(plan.tasks, right, strict=True)
        return tuple(Result(arm, cap, row(task, good, arm, **more)) for task, good in pairs)

    return make


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """Three tasks in the form of HumanEval."""
    found = (
        ("double", "return 2 * x", "assert candidate(3) == 6"),
        ("half", "return x / 2", "assert candidate(3) == 1.5"),
        ("shout", "return x.upper() + '!'", "assert candidate('hey') == 'HEY!'"),
    )
    lines = [
        {
            "task_id": f"Small/{number}", "prompt": f'def {name}(x):\n    """Task {number}: {name} of x."""\n',
            "entry_point": name, "test": f"def check(candidate):\n    {check}\n", "canonical_solution": f"    {body}\n",
        }
        for number, (name, body, check) in enumerate(found)
    ]  # fmt: skip
    path = tmp_path / "small.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, lines)) + b"\n")
    return path
