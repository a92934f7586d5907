"""What a simulated server does wrong on purpose, seeded, so that a test can ask for it by number. Pure."""

from dataclasses import dataclass
from typing import Literal

from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.draws import uniform

FaultKind = Literal[
    "hang",  # takes the request and never answers
    "cut",  # closes the connection in the middle of the answer
    "busy",  # 429 with Retry-After; not billed
    "error",  # 500; not billed
    "garbage",  # 200 with a body that is no completion
    "truncated_json",  # half of the JSON, and says it were whole
    "wrong_schema",  # JSON of another shape
    "huge",  # an endless body of padding, up to `size`
    "no_usage",  # does not say what it counted
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault and when it happens: at given requests, at a rate, or both."""

    kind: FaultKind
    requests: tuple[int, ...] = ()
    """Numbers of chat requests since the start, from 1, retries counted."""
    rate: float = 0.0
    """Share of the other requests, 0 to 1, drawn by request number."""
    retry_after: float = 0.0
    """Seconds that a `busy` answer asks for."""
    size: int = 16 * 1024 * 1024
    """Bytes of a `huge` body."""

    def __post_init__(self) -> None:
        reasons = []
        if not 0 <= self.rate <= 1:
            reasons.append(f"rate of fault {self.kind!r} is {self.rate!r}; give 0 to 1.")
        if any(number < 1 for number in self.requests):
            reasons.append(f"requests of fault {self.kind!r} are counted from 1; drop the others.")
        if self.retry_after < 0 or self.size < 0:
            reasons.append(
                f"fault {self.kind!r} has a negative retry_after or size; give 0 or more."
            )
        if reasons:
            raise BadInput(reasons)


@dataclass(frozen=True, slots=True)
class Faults:
    """All faults of a server; the first that applies to a request happens."""

    faults: tuple[Fault, ...] = ()
    seed: int = 0

    def at(self, number: int) -> Fault | None:
        """Find the fault of the request with this number; numbered ones come before drawn ones."""
        named = (fault for fault in self.faults if number in fault.requests)
        drawn = (fault for fault in self.faults if self._hits(fault, number))
        return next(named, None) or next(drawn, None)

    def _hits(self, fault: Fault, number: int) -> bool:
        return uniform("fault", fault.kind, self.seed, number) < fault.rate
