"""How kubectl reads a plain (unquoted) YAML scalar. Pure.

kubectl keeps the words of YAML 1.1 (`yes` is true, `010` is 8) but has no base-60 numbers and
leaves dates as text. A document that passes here must not change its meaning in the cluster.
"""

import re
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

WORDS: dict[str, Scalar] = {
    **{form: True for word in ("y", "yes", "on", "true") for form in (word, word.title())},
    **{word.upper(): True for word in ("yes", "on", "true")},
    **{form: False for word in ("n", "no", "off", "false") for form in (word, word.title())},
    **{word.upper(): False for word in ("no", "off", "false")},
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float("inf") for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
INTEGERS = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), 8),
    (re.compile(r"[-+]?(0|[1-9][0-9]{0,39})"), 10),
)
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
EXACT = 2**53
"""Whole floats below this are integers to the API server, since JSON writes 5.0 as 5."""


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar."""
    if text in WORDS:
        return WORDS[text]
    if not text or text[0] not in "+-.0123456789":
        return text
    digits = text.replace("_", "")
    for form, base in INTEGERS:
        if form.fullmatch(digits):
            return int(digits, base)
    if FLOAT.fullmatch(digits):
        number = float(digits)
        whole = number.is_integer() and abs(number) < EXACT
        return int(number) if whole else number
    return text
