"""What is done to each mission of a soak: drawn beforehand from the seed alone. Pure."""

import random
from dataclasses import dataclass
from typing import Literal

from hekaton_runtime.models.simulated.faults import Fault, FaultKind, Faults

BlowKind = Literal[
    "kill conductor",
    "stop conductor",
    "cut connections",
    "crash Postgres",
    "restart Postgres",
    "kill agent",
    "stop agent",
    "kill broker",
    "stop broker",
]
MISSIONS = ("duration-library", "extend-tally", "repair-inventory")
ALONE: tuple[BlowKind, ...] = (
    "kill conductor", "kill conductor", "kill conductor", "stop conductor", "cut connections", "cut connections",
    "crash Postgres", "restart Postgres",
)  # fmt: skip
APART: tuple[BlowKind, ...] = (
    *ALONE, "kill agent", "kill agent", "kill agent", "stop agent", "stop agent", "kill broker", "kill broker",
    "stop broker",
)  # fmt: skip
SPOILED: tuple[FaultKind, ...] = (
    "hang", "cut", "busy", "error", "garbage", "truncated_json", "wrong_schema",
)  # fmt: skip
LOSING: frozenset[BlowKind] = frozenset({"kill agent", "stop agent", "kill broker", "stop broker"})
"""These lose questions, and a question lost three times is given up by right."""
LOSING_FAULTS: frozenset[FaultKind] = frozenset({"hang", "cut"})
MOST_LOSING = 2
APART_BY = (
    8  # requests between two spoiled ones, so that no question is spoiled until it is given up
)


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that is done to the processes of a mission."""

    kind: BlowKind
    after: int
    """Events of the conductor, as it then lives."""
    wait: float
    """Seconds after that."""
    seconds: float
    """How long it lasts, for what is stopped and for a database that is away."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One mission and its misfortunes."""

    number: int
    mission: str
    apart: bool
    """Conductor, broker and agents are processes of their own."""
    blows: tuple[Blow, ...]
    spoiled: tuple[tuple[int, FaultKind], ...]
    """Numbers of model requests, and what goes wrong with each."""

    @property
    def faults(self) -> Faults:
        return Faults(
            tuple(Fault(kind, (at,), retry_after=0.2) for at, kind in self.spoiled), self.number
        )

    @property
    def hangs(self) -> bool:
        return any(kind == "hang" for _, kind in self.spoiled)


def quiet(number: int, mission: str, apart: bool) -> Plan:
    """An undisturbed mission."""
    return Plan(number, mission, apart, (), ())


def drawn(number: int, seed: int) -> Plan:
    """The plan of one mission of a soak."""
    chance = random.Random(f"{seed}/{number}")
    apart, spoiled = chance.random() < 0.45, _spoiled(chance)
    losing = MOST_LOSING - sum(kind in LOSING_FAULTS for _, kind in spoiled)
    blows: list[Blow] = []
    for _ in range(chance.randint(1, 5)):
        kind = chance.choice(APART if apart else ALONE)
        if kind in LOSING and sum(blow.kind in LOSING for blow in blows) >= losing:
            continue
        after = chance.choice((0, chance.randrange(1, 12), chance.randrange(1, 40)))
        wait = chance.uniform(0, 0.2 if after else 1.5)
        blows.append(Blow(kind, after, wait, chance.choice((0.2, 1.0, chance.uniform(1, 7)))))
    return Plan(number, MISSIONS[number % len(MISSIONS)], apart, tuple(blows), spoiled)


def _spoiled(chance: random.Random) -> tuple[tuple[int, FaultKind], ...]:
    at = 0
    found: list[tuple[int, FaultKind]] = []
    for _ in range(chance.randint(0, 3)):
        at += chance.randrange(1, 8) + (APART_BY if at else 0)
        found.append((at, chance.choice(SPOILED)))
    return tuple(found)
