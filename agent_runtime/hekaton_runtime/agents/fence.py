"""Fences around text that others wrote, so that it can be read but cannot pass for an instruction.

A fence is closed by a key that is derived from the text and does not occur in it: whatever the
text says, it cannot end its own block. Keys are letters only, so that each costs the same.
"""

import json
from hashlib import blake2b
from itertools import count
from typing import Literal

Kind = Literal["ORDER", "DATA"]
LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def key_of(label: str, text: str) -> str:
    """Derive twelve letters that occur neither in the label nor in the text."""
    whole = f"{label}\n{text}"
    keys = (letters(whole.encode(), salt) for salt in count())
    return next(key for key in keys if key not in whole)


def letters(whole: bytes, salt: int) -> str:
    digest = blake2b(whole, digest_size=6, salt=salt.to_bytes(16, "big"))
    return digest.hexdigest().translate(LETTERS)


def fence(kind: Kind, label: str, text: str) -> str:
    """Put text between an opening line with its label and a closing line with the same key."""
    key = key_of(label, text)
    return f"<<<{kind} {key} {json.dumps(label)}\n{text}\n{key}>>>"
