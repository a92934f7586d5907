"""Reads what an answer cost while it passes by, without holding it up or changing it. Pure."""

import msgspec

from hekaton_runtime.models.wire import Frames, Tokens
from hekaton_runtime.results import Usage

MOST_WHOLE = 8 * 1024 * 1024
"""Bytes of an unstreamed answer that are kept to find its usage."""


class _Counted(msgspec.Struct, frozen=True):
    prompt_tokens: Tokens = 0
    completion_tokens: Tokens = 0


class _Object(msgspec.Struct, frozen=True):
    usage: _Counted | None = None


class Tally:
    """The last usage that an answer names; None where it names none."""

    def __init__(self, *, streamed: bool) -> None:
        self._streamed = streamed
        self._frames = Frames()
        self._whole = bytearray()
        self._usage: Usage | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if not self._streamed:
            self._whole += chunk[: MOST_WHOLE - len(self._whole)]
            return
        for event in self._frames.feed(chunk):
            self._look(event)

    def usage(self) -> Usage | None:
        """What the answer said, once it is whole."""
        if not self._streamed:
            self._look(bytes(self._whole))
        return self._usage

    def _look(self, data: bytes) -> None:
        if b'"usage"' not in data:
            return
        try:
            counted = msgspec.json.decode(data, type=_Object).usage
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # whoever asked for it will find out
        if counted is not None:
            self._usage = Usage(
                prompt_tokens=counted.prompt_tokens, completion_tokens=counted.completion_tokens
            )
