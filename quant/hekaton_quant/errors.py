"""Every error this package raises on purpose.

QuantError
├── UnknownPreset   no preset has that name; the text lists the known ones
├── Unsupported     the model, tensor or setting cannot be served; carries all reasons at once
└── BadTensor       a tensor's shape or dtype does not fit the codec it was given to
"""


class QuantError(Exception):
    """The root: its text is a sentence for a person and names the next step."""


class UnknownPreset(QuantError):
    """No preset has the given name."""


class Unsupported(QuantError):
    """What was asked for cannot be done. `reasons` holds every finding, in reading order."""

    def __init__(self, reasons: tuple[str, ...] | list[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))


class BadTensor(QuantError):
    """A tensor does not have the shape or dtype that the codec needs."""
