"""Every error the runtime raises on purpose; the type says what to do about it.

HekatonError
├── BadInput           the user's to mend; carries all reasons at once; exit code 2
│   └── NotLetIn       the database refuses the credentials; in a pod they are on their way
├── Unavailable        a service is away: wait or retry (database, endpoint, broker)
├── Fenced             another conductor owns the mission now: stop, write nothing
└── ReplayDiverged     the journal tells another story than the strategy: never guess
"""


class HekatonError(Exception):
    """The root: its text is a sentence for a person and names the next step."""


class BadInput(HekatonError):
    """What the user gave cannot be used. `reasons` holds every finding, in reading order."""

    def __init__(self, reasons: tuple[str, ...] | list[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))


class NotLetIn(BadInput):
    """The database refuses these credentials."""


class Unavailable(HekatonError):
    """Something that should answer does not; what was finished is kept."""


class Fenced(HekatonError):
    """This conductor lost its mission to another one and must end without a further write."""


class Overbilled(HekatonError):
    """A call was billed beyond its worst case; the rest of the budget cannot be vouched for."""


class ReplayDiverged(HekatonError):
    """A journaled effect differs from the one the strategy yields at the same place."""
