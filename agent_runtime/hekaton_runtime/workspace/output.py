"""What a command printed, in bounded memory: the head, the tail, and how much was cut between. Pure."""

import re
from collections import deque

# Terminal sequences (colours, cursor moves, titles), then every control character but \n and \t.
SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(raw: bytes) -> str:
    """Bytes as text a person and a model can read."""
    text = raw.decode(errors="replace").replace("\r\n", "\n")
    return CONTROL.sub("", SEQUENCE.sub("", text))


def tail(text: str, size: int) -> str:
    """The last `size` characters, with a marker where something was cut."""
    if len(text) <= size:
        return text
    return f"[... {len(text) - size} characters cut ...]\n{text[-size:]}"


class Kept:
    """Collects output; never holds more than `limit` bytes and one piece."""

    def __init__(self, limit: int) -> None:
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._held = 0
        self._most_head = limit // 2
        self._most_tail = limit - limit // 2
        self._total = 0

    def add(self, piece: bytes) -> None:
        self._total += len(piece)
        room = self._most_head - len(self._head)
        self._head += piece[:room]
        rest = piece[room:]
        if rest:
            self._tail.append(rest)
            self._held += len(rest)
        while self._tail and self._held - len(self._tail[0]) >= self._most_tail:
            self._held -= len(self._tail.popleft())

    def text(self) -> str:
        joined = b"".join(self._tail)
        last = joined[-self._most_tail :] if self._most_tail else b""
        cut = self._total - len(self._head) - len(last)
        if not cut:
            return clean(bytes(self._head) + last)
        return f"{clean(bytes(self._head))}\n[... {cut} bytes cut ...]\n{clean(last)}"
