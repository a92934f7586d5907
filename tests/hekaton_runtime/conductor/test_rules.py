"""What a Formation says of how hard to try is what strategies are given."""

from hekaton_api.blocks import Planning
from hekaton_runtime.cli.documents import formation_named
from hekaton_runtime.conductor.assigning import rules
from hekaton_runtime.strategies.values import Rules


def test_the_defaults_of_a_formation_are_those_of_the_strategies() -> None:
    spec = formation_named("simulated").spec
    given, plain = rules(spec.review, spec), Rules()
    assert (given.samples, given.attempts, given.barrier, given.grace) == (
        plain.samples, plain.attempts, plain.barrier, plain.grace,
    )  # fmt: skip


def test_samples_attempts_barrier_and_grace_reach_the_strategy() -> None:
    spec = formation_named("simulated").spec
    planning = Planning(samples=9, attempts=1, barrier=True, grace="5m")
    given = rules(spec.review, spec.model_copy(update={"planning": planning}))
    assert (given.samples, given.attempts, given.barrier, given.grace) == (9, 1, True, 300.0)
