"""How fields and values look in a message. Pure.

A secret never reaches a message: values under `credentials` are masked, and in addresses the part
before '@' and the query.
"""

import re
from typing import Any

from hekaton_api.tree import Path

LONGEST = 80
"""Characters of a value that a message shows."""
MASK = "***"
ADDRESS = re.compile(r"(?<=//)\S*@|(?<=\?)\S*")
SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def dotted(at: Path) -> str:
    """A path as people write it: spec.roles[2].model, metadata.labels["example.com/team"]."""
    text = ""
    for step in at:
        if isinstance(step, int):
            text += f"[{step}]"
        elif SIMPLE.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{_short(step)}"]'
    return text


def shown(at: Path, value: Any, raw: str | None) -> str:
    """A scalar as it stands in the file, text in quotes; empty for anything that has parts."""
    if raw is None or isinstance(value, dict | tuple):
        return ""
    if "credentials" in at:
        return MASK
    if not isinstance(value, str):
        return _short(raw)
    safe = ADDRESS.sub(lambda hit: MASK + ("@" if hit[0].endswith("@") else ""), value)
    return repr(_short(safe if "//" in value else value))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
