"""The key that permits are signed with, from its file: 32 random bytes or more as base64."""

import base64
import binascii
import logging
from pathlib import Path

from hekaton_runtime.errors import BadInput

log = logging.getLogger(__name__)

SHORTEST = 32
"""Bytes."""


class KeyFile:
    """The key as the file holds it now: a mounted Secret changes under those that have read it."""

    def __init__(self, file: Path) -> None:
        """Raises `BadInput` as `load_key`."""
        self._file, self._key = file, load_key(file)

    def key(self) -> bytes:
        """The newest that could be read."""
        try:
            self._key = load_key(self._file)
        except BadInput as fault:
            log.warning("the key read before is used still: %s", fault)
        return self._key


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
