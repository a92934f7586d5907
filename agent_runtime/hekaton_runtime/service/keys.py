"""API keys: who may ask, recognised by a hash. The keys themselves are forgotten as soon as they are read."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hekaton_runtime.errors import BadInput
from hekaton_runtime.service.desk import LOCAL, Client

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
DIGEST = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)
SHORTEST = 16
"""Characters of a key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Names by the SHA-256 of their keys; empty: nobody has one."""

    digests: tuple[tuple[Client, bytes], ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.digests)

    def client(self, key: str) -> Client | None:
        """Whose key this is. Takes as long for a wrong one as for a right one."""
        given = hashlib.sha256(key.encode(errors="surrogateescape")).digest()
        found = [name for name, digest in self.digests if hmac.compare_digest(digest, given)]
        return found[0] if found else None


def from_environ(environ: Mapping[str, str]) -> Keys:
    """HEKATON_API_KEYS: NAME:KEY, several with commas, or the path of a file with one a line.

    In place of a key may stand sha256=HEX. Raises `BadInput` with every entry that cannot be used.
    """
    text = environ.get("HEKATON_API_KEYS", "").strip()
    if not text:
        return Keys()
    if text.startswith("/"):
        return _keys(_lines(Path(text)), text)
    return _keys(enumerate(text.split(","), 1), "HEKATON_API_KEYS")


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise BadInput(
            [
                f"HEKATON_API_KEYS: {str(path)!r} cannot be read ({fault}). Give a file of NAME:KEY lines."
            ]
        ) from fault
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    return [(number, line) for number, line in numbered if line and not line.startswith("#")]


def _keys(entries: Iterable[tuple[int, str]], place: str) -> Keys:
    """No fault ever repeats a key: only its place and its name."""
    digests: dict[Client, bytes] = {}
    reasons = []
    for number, entry in entries:
        name, sign, key = entry.strip().partition(":")
        where = f"{place}: entry {number}"
        if not sign or not NAME.fullmatch(name):
            reasons.append(f"{where} is not NAME:KEY with a name of a-z, 0-9 and '-'.")
        elif name == LOCAL or name in digests:
            reasons.append(f"{where}: the name {name!r} is taken. Give each key a name of its own.")
        elif found := DIGEST.fullmatch(key):
            digests[Client(name)] = bytes.fromhex(found[1])
        elif len(key) < SHORTEST:
            reasons.append(f"{where}: the key of {name!r} has under {SHORTEST} characters. Draw one with `openssl rand -hex 32`.")  # fmt: skip
        else:
            digests[Client(name)] = hashlib.sha256(key.encode()).digest()
    if not reasons and not digests:
        reasons.append(f"{place}: holds no key. Write NAME:KEY, or leave HEKATON_API_KEYS out.")
    if len(set(digests.values())) < len(digests):
        reasons.append(f"{place}: two names have the same key. Give each its own.")
    if reasons:
        raise BadInput(reasons)
    return Keys(tuple(digests.items()))
