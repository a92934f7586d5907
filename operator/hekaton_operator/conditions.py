"""Conditions: what is claimed now, merged with what was claimed before. Pure.

`lastTransitionTime` changes only when a condition's status does, so that an unchanged claim is an
unchanged object and needs no write.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from hekaton_operator.objects import Body

Truth: TypeAlias = Literal["True", "False", "Unknown"]
LONGEST = 4096
"""Characters of a message."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One aspect of an object's state, as it is now."""

    type: str
    status: Truth
    reason: str
    """CamelCase, for programs."""
    message: str
    """A sentence, for people."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A claim, since when it holds, and of which generation it speaks."""

    claim: Claim
    generation: int
    since: str

    @property
    def holds(self) -> bool:
        return self.claim.status == "True"


def truth(value: bool) -> Truth:
    return "True" if value else "False"


def read(body: Body) -> tuple[Condition, ...]:
    """The conditions of an observed object."""
    return tuple(
        Condition(
            Claim(each["type"], each["status"], each.get("reason", ""), each.get("message", "")),
            each.get("observedGeneration", 0),
            each.get("lastTransitionTime", ""),
        )
        for each in (body.get("status") or {}).get("conditions") or ()
    )


def find(conditions: Iterable[Condition], kind: str) -> Condition | None:
    return next((each for each in conditions if each.claim.type == kind), None)


def holds(conditions: Iterable[Condition], kind: str) -> bool:
    found = find(conditions, kind)
    return found is not None and found.holds


def merged(
    claims: Iterable[Claim], before: tuple[Condition, ...], generation: int, now: str
) -> tuple[Condition, ...]:
    """The conditions to be written: one a claim, in the order of the claims."""
    found = []
    for claim in claims:
        old = find(before, claim.type)
        kept = old is not None and old.claim.status == claim.status and old.since != ""
        found.append(Condition(claim, generation, old.since if old and kept else now))
    return tuple(found)


def written(conditions: Iterable[Condition]) -> list[dict[str, Any]]:
    """As the status holds them."""
    return [
        {
            "type": each.claim.type,
            "status": each.claim.status,
            "reason": each.claim.reason,
            "message": each.claim.message.replace("\0", "")[:LONGEST],
            "observedGeneration": each.generation,
            "lastTransitionTime": each.since,
        }
        for each in conditions
    ]
