"""Writes numbers for people, and foreign text so that Markdown takes it for nothing but text. Pure.

Whatever a model wrote cannot become a heading, a link, an image, HTML, a table cell or the end of
the block that it stands in.
"""

import re
import unicodedata
from datetime import UTC, datetime

THIN_SPACE = "\u202f"
"""Narrow and unbreakable, so that a number stays on one line."""
MICROS = 1_000_000
DIRECTION_CONTROLS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They make a line read otherwise than it is written."""
SPECIAL = re.compile(r"[\\`*_\[\]<>|~&!@$]|:(?=//)")
OPENING = re.compile(r"^(?:[#+=-]|\d+(?=[.)]))")
WEB = re.compile(r"\bwww\.", re.IGNORECASE)


def money(micros: int) -> str:
    """Write micro-dollars exactly: $0.001234."""
    whole, rest = divmod(abs(micros), MICROS)
    return f"{'-' if micros < 0 else ''}${whole}.{rest:06d}"


def number(value: int) -> str:
    """Write a whole number in groups of three."""
    return f"{value:,}".replace(",", THIN_SPACE)


def duration(seconds: float) -> str:
    """Write a span of time: 0.4s, 12s, 1m 12s, 2h 0m 5s."""
    if 0 <= seconds < 9.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h"] if hours else []
    parts += [f"{minutes}m"] if minutes or hours else []
    return " ".join([*parts, f"{rest}s"])


def moment(at: float) -> str:
    """Write a time in UTC to the second."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def visible(text: str, kept: str = "") -> str:
    """Drop what cannot be seen or turns the reading direction; other line ends become spaces."""
    return "".join(map(lambda sign: sign if sign in kept else shown(sign), text))


def shown(sign: str) -> str:
    kind = unicodedata.category(sign)
    if sign in "\t\n\r\v\f\x85" or kind in ("Zl", "Zp"):
        return " "
    return "" if kind == "Cc" or sign in DIRECTION_CONTROLS else sign


def plain(text: str) -> str:
    """Write foreign text inside a line: one line, with every sign that Markdown reads escaped."""
    line = " ".join(visible(text).split())
    escaped = SPECIAL.sub(lambda found: "\\" + found[0], line)
    escaped = WEB.sub(lambda found: found[0][:-1] + "\\.", escaped)
    return OPENING.sub(escape_opening, escaped)


def escape_opening(found: re.Match[str]) -> str:
    """Escape what would open a heading or a list; behind a number that is the sign after it."""
    return found[0] + "\\" if found[0].isdigit() else "\\" + found[0]


def code(text: str) -> str:
    """Write foreign text as a code span that it cannot leave."""
    line = " ".join(visible(text).split())
    if not line:
        return ""
    ticks = "`" * (longest_run(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def cell(text: str) -> str:
    """Write foreign text as code inside a table; a bar would end the cell even within a span."""
    return plain(text) if "|" in text else code(text)


def block(text: str) -> str:
    """Write foreign text as a fenced block that it cannot leave; begins at the line's start."""
    lines = visible(text.replace("\r\n", "\n"), kept="\n\t").strip("\n")
    fence = "`" * max(3, longest_run(lines) + 1)
    return f"{fence}text\n{lines}\n{fence}"


def longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
