"""Fits the parts of a brief into a model's context, giving up the least important text first.

Pure. Sizes are in units of half a token, counted by a measure that errs on the safe side: an ASCII
letter or blank is one unit, every other byte two. Common tokenizers need 3 to 4 bytes a token for
prose and code, and at worst one token for a digit, a sign or a byte of another script. The measure
is additive over concatenation, which makes the plan exact.
"""

from dataclasses import dataclass, replace
from string import ascii_letters
from typing import Literal

PartName = Literal[
    "goal",
    "task",
    "complaint",
    "findings",
    "acceptance",
    "notes",
    "files",
    "heard",
    "tree",
]
UNITS_PER_TOKEN = 2
CHEAP = f"{ascii_letters} \t\n".encode()
LEAST_KEPT = 160
"""Units; a shorter remnant of an item is no use to a reader, so the item goes as a whole."""


def units(text: str) -> int:
    """Measure text in half tokens, on the safe side."""
    data = text.encode()
    return len(data) + len(data.translate(None, CHEAP))


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is kept, shortened or cut: a file, a finding, a line of the tree."""

    label: str
    text: str
    frame: int
    """Units that it costs besides its text: its fence, or the end of its line."""


@dataclass(frozen=True, slots=True)
class Part:
    """The items of one kind, the most important one first."""

    name: PartName
    items: tuple[Item, ...]
    frame: int
    """Units that the part costs besides its items, if it has any."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What was given up of one item, for the log."""

    part: PartName
    label: str
    characters: int
    whole: bool

    def __str__(self) -> str:
        what = "left out" if self.whole else f"shortened by {self.characters} characters"
        name = f"{self.part} {self.label!r}" if self.label else self.part
        return f"{name} {what}"


@dataclass(frozen=True, slots=True)
class Fit:
    """The parts that fit, in the order given, and what was cut, the least important first."""

    parts: tuple[Part, ...]
    cuts: tuple[Cut, ...]


def price(item: Item) -> int:
    return item.frame + units(item.text)


def cost(part: Part) -> int:
    return part.frame + sum(map(price, part.items)) if part.items else 0


def fit(parts: tuple[Part, ...], budget: int) -> Fit:
    """Cut from the end of the last part, then of the one before it, until `budget` units suffice.

    `parts` come by importance, the most important one first.
    """
    kept = list(parts)
    cuts: list[Cut] = []
    excess = sum(map(cost, parts)) - budget
    for index in reversed(range(len(parts))):
        if excess <= 0:
            break
        before = cost(parts[index])
        kept[index], lost = shrink(parts[index], before - excess)
        excess -= before - cost(kept[index])
        cuts += lost
    return Fit(tuple(kept), tuple(cuts))


def shrink(part: Part, room: int) -> tuple[Part, tuple[Cut, ...]]:
    """Drop items from the end until the part fits its room; shorten the last one if that helps."""
    items, cuts, size = list(part.items), list[Cut](), cost(part)
    while items and size > room:
        item = items.pop()
        size -= price(item) + (0 if items else part.frame)
        spare = room - size - (0 if items else part.frame)
        shorter = shorten(item, spare)
        if shorter is not None:
            items.append(shorter[0])
            cuts.append(Cut(part.name, item.label, shorter[1], whole=False))
            break
        cuts.append(Cut(part.name, item.label, len(item.text), whole=True))
    return replace(part, items=tuple(items)), tuple(cuts)


def shorten(item: Item, room: int) -> tuple[Item, int] | None:
    """Keep the beginning that fits the room, marked; None where too little would be left."""
    spare = room - item.frame - units(marker(len(item.text)))
    if spare < LEAST_KEPT:
        return None
    low, high = 0, len(item.text)
    while low < high:
        middle = (low + high + 1) // 2
        if units(item.text[:middle]) <= spare:
            low = middle
        else:
            high = middle - 1
    gone = len(item.text) - low
    return replace(item, text=item.text[:low] + marker(gone)), gone


def marker(characters: int) -> str:
    return f"\n[cut: {characters} characters]"
