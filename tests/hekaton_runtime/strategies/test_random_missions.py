"""Any mission, any mode, any purse: the cap holds at every instant, it ends, and it replays as it went."""

import random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_runtime.answers import Charter, Plan, RatedTask, Task
from hekaton_runtime.effects import Ask
from hekaton_runtime.results import Failed
from hekaton_runtime.strategies.modes import MODES


def dag(chance: random.Random, many: int) -> tuple[RatedTask, ...]:
    """Tasks that need some of those before them."""
    return tuple(
        RatedTask(
            id=f"t{n}",
            goal=f"do t{n}",
            files=(f"t{n}.py",),
            needs=tuple(f"t{i}" for i in range(n) if chance.random() < 0.3),
            complexity=chance.choice(("LOW", "MEDIUM", "HIGH")),
        )
        for n in range(many)
    )


def moody(chance: random.Random, tasks: tuple[RatedTask, ...]) -> Any:
    """Plans of this DAG; now and then nothing, nonsense, or nobody."""
    plain = tuple(Task(id=t.id, goal=t.goal, files=t.files, needs=t.needs) for t in tasks)

    def script(ask: Ask) -> Any:
        mood = chance.random()
        if mood < 0.04:
            return chance.choice(("", "{}", "no", '{"type": "object", "properties": {}}'))
        if mood < 0.06:
            return Failed(kind=chance.choice(("invalid", "truncated", "unknown")), detail="d")
        if ask.answer == "charter":
            return Charter(brief="b", tasks=tasks)
        return Plan(summary="s", tasks=plain) if ask.answer == "plan" else None

    return script


@settings(max_examples=60)
@given(
    mode=st.sampled_from(sorted(MODES)), seed=st.integers(0, 10**9), cap=st.integers(1, 20_000),
    many=st.integers(1, 8), competence=st.floats(0, 1), loops=st.integers(0, 3),
    topology=st.sampled_from(["all-to-all", "ring", "star", "pairs", "pipeline"]),
    arbiter=st.sampled_from(["ballot", "auditor", "evidence"]),
)  # fmt: skip
def test_a_mission_keeps_its_cap_ends_and_replays(
    stage: Any, mode: str, seed: int, cap: int, many: int, competence: float, loops: int,
    topology: str, arbiter: str,
) -> None:  # fmt: skip
    chance = random.Random(seed)
    on = stage(
        moody(chance, dag(chance, many)),
        right=lambda ask: chance.random() < competence,
        seed=seed,
        cap=cap,
    )
    rules = {"max_loops": loops, "topology": topology, "arbiter": arbiter, "samples": 3}
    end = on.run(mode, **rules)
    purses = on.purses
    assert 0 <= purses.spent.get("", 0) <= cap
    assert purses.reserved.get("", 0) == purses.flying == 0
    assert end.outcome in ("passed", "failed", "stopped")
    assert end.reason
    performed = len(on.seen)
    assert on.run(mode, **rules) == end
    assert len(on.seen) == performed, "a replay performs nothing"


def test_what_a_share_gives_out_is_what_there_is(stage: Any) -> None:
    on = stage(cap=100_003)
    on.run("hierarchical")
    shared = [entry.body for entry in on.entries if type(entry.body).__name__ == "Shared"]
    assert shared
    for one in shared:
        said = msgspec.to_builtins(one)
        assert sum(part["tokens"] for part in said["parts"]) == said["tokens"]
