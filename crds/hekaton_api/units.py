"""Durations and money as people write them, and as exact whole numbers.

Durations are text such as `90s`, `10m` or `1h30m`; money is US dollars outside and whole
micro-dollars inside, so that sums are exact. Pure.
"""

import re
from decimal import Decimal

DURATION = r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,8}s)?$"
"""The form of a duration, also used in the JSON schema; the empty text matches and is refused."""
MICROS = 1_000_000
"""Micro-dollars in one US dollar."""


def seconds(text: str) -> int:
    """Read a duration: hours, minutes and seconds in that order, each part once or not at all."""
    found = re.fullmatch(DURATION, text, re.ASCII)
    if not text or found is None:
        raise ValueError(
            f"{text!r} is not a duration; write hours, minutes, seconds as in '1h30m'."
        )
    hours, minutes, rest = (int(part[:-1]) if part else 0 for part in found.groups())
    return hours * 3600 + minutes * 60 + rest


def duration(total: int) -> str:
    """Write whole seconds in the usual form; `seconds` reads it back to the same number."""
    if total < 0:
        raise ValueError(f"{total} seconds is negative; a duration is 0 or more.")
    hours, left = divmod(total, 3600)
    minutes, rest = divmod(left, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def micros(usd: Decimal) -> int:
    """Turn dollars into micro-dollars; refuse what is finer than one micro-dollar."""
    scaled = usd * MICROS
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{usd} has more than six decimals; a micro-dollar is the smallest unit.")
    return int(scaled)


def dollars(amount: int) -> Decimal:
    """Turn micro-dollars into dollars, exactly."""
    return Decimal(amount).scaleb(-6)
