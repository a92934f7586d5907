"""Events as server-sent events, each with the id from which a client that was cut off goes on."""

from collections.abc import AsyncIterator

import msgspec

from hekaton_runtime.errors import HekatonError
from hekaton_runtime.service.desk import Event, Moment, Shown

END = ".end"
"""Ends the id of the last event: a client that comes back with it has had everything."""
MOST = 100
"""Clients that follow at once."""


class Streams:
    """Counts them."""

    def __init__(self) -> None:
        self._open = 0

    @property
    def full(self) -> bool:
        return self._open >= MOST

    async def told(self, events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
        """In the form that the browser's EventSource reads."""
        self._open += 1
        try:
            async for one in events:
                yield encoded(one)
        except HekatonError:  # the status has been sent: the client comes again by itself
            yield b": interrupted\n\n"
        finally:
            self._open -= 1


def encoded(event: Event) -> bytes:
    """`event: status` is how the mission stands, `end` the same for the last time, others are journal lines."""
    match event:
        case Moment():
            return _event(str(event.seq), event.kind, msgspec.json.encode(event))
        case Shown(view=view) if view.final:
            return _event(f"{event.seq}{END}", "end", msgspec.json.encode(view))
        case Shown():
            return _event(str(event.seq), "status", msgspec.json.encode(event.view))


def _event(number: str, name: str, data: bytes) -> bytes:
    """JSON has no line end of its own, so the data is one line."""
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (number.encode(), name.encode(), data)


def place(last: str) -> int | None:
    """Where a `Last-Event-ID` goes on; None after the end."""
    if last.endswith(END):
        return None
    return int(last or 0)
