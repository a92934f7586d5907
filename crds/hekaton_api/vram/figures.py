"""Figures of a model's configuration, each checked as it is taken. Pure.

Whatever the text holds, taking a figure never fails: a fault is noted, something harmless stands in
for the figure, and so all faults are told at once.
"""

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST = 1 << 24
"""No figure of a model is larger; the longest contextLength is this too."""
GIVE = "Give a decoder's config.json."
OLDER: Mapping[str, str] = {
    "hidden_size": "n_embd",
    "num_attention_heads": "n_head",
    "num_hidden_layers": "n_layer",
    "intermediate_size": "n_inner",
    "max_position_embeddings": "n_positions",
}
"""What the GPT-2 line (GPT-J, StarCoder) calls the same figures."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a configuration cannot be planned, with the remedy."""

    reason: str
    """Without a full stop."""
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class Figures:
    """The fields of a configuration, and the faults found while they were taken."""

    fields: Mapping[str, Any]
    file: str
    """Only shown."""
    faults: list[Fault] = field(default_factory=list)

    @property
    def older(self) -> bool:
        """Whether the figures have the names of the GPT-2 line."""
        return "n_embd" in self.fields

    def fault(self, said: str, remedy: str = GIVE) -> None:
        """Note a fault; `said` begins with the field."""
        found = Fault(f"{self.file}: {said}", remedy)
        if found not in self.faults:
            self.faults.append(found)

    def whole(self, name: str, least: int = 1) -> int | None:
        """A figure under either of its names; None where it is absent or null."""
        for each in (name, OLDER.get(name, name)):
            value = self.fields.get(each)
            if value is not None:
                return self._checked(each, value, least)
        return None

    def needed(self, name: str) -> int:
        """A figure without which nothing can be planned."""
        found = self.whole(name)
        if found is None:
            self.fault(f"{name!r} is missing")
        return found or 1

    def flag(self, name: str, default: bool) -> bool:
        """A yes or no; the default where it is absent or null."""
        value = self.fields.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.fault(f"{name!r} is {reprlib.repr(value)}, neither true nor false")
        return default

    def _checked(self, name: str, value: Any, least: int) -> int:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and least <= value <= MOST and value == int(value):
            return int(value)
        said = f"{name!r} is {reprlib.repr(value)}, not a whole number from {least} to {MOST}"
        self.fault(said)
        return max(1, least)
