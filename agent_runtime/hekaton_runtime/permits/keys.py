"""The key that permits are signed with, from its file: 32 random bytes or more as base64."""

import base64
import binascii
from pathlib import Path

from hekaton_runtime.errors import BadInput

SHORTEST = 32
"""Bytes."""


def load_key(file: Path) -> bytes:
    """Read it; raises `BadInput`, which never shows what the file holds."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as fault:
        raise BadInput([f"--permits: {str(file)!r} cannot be read ({fault}).".replace("\n", " ")]) from fault  # fmt: skip
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < SHORTEST:
        why = f"does not hold {SHORTEST} or more bytes as base64; make one: head -c 32 /dev/urandom | base64"
        raise BadInput([f"--permits: {str(file)!r} {why}."])
    return key
