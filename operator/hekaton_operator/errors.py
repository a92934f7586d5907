"""What can go wrong, by what is to be done about it.

OperatorError
  BadSettings   the environment is wrong: the process says so and ends
  Refused       the API server will not have it: said in a condition, tried again rarely
  Gone          the object is not there any more: nothing to do
  Stale         somebody else wrote first: decide anew at once
  Away          the server or database does not answer: tried again, ever more slowly
  Deposed       the Lease is somebody else's: the process ends
"""

from collections.abc import Iterable


class OperatorError(Exception):
    """Any error of this package."""


class BadSettings(OperatorError):
    """Settings cannot be used; all reasons at once."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(self.reasons))


class Refused(OperatorError):
    """The API server refuses a write, and will do so again."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.message = message
        super().__init__(message)


class Gone(OperatorError):
    """What was to be written is not there any more."""


class Stale(OperatorError):
    """Somebody else has written since it was read."""


class Away(OperatorError):
    """No answer; the same may work later."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        self.after = after
        """Seconds that the server asks to be left alone with this."""
        super().__init__(message)


class Deposed(OperatorError):
    """Another replica leads."""
