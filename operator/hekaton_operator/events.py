"""Events: what people read under `kubectl describe`. Written by our own client, one object an occurrence.

The same words about the same object are one Event with a count, and are not said more often than once
a minute.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from hekaton_operator.actions import Tell
from hekaton_operator.manifest import Manifest
from hekaton_operator.names import MANAGER, child_name
from hekaton_operator.objects import Key, sort_of
from hekaton_operator.times import stamp

REMEMBERED = 5000
PAUSE = 60.0
"""Seconds."""
LONGEST = 1024
"""Characters that the API server takes."""


@dataclass(frozen=True, slots=True)
class Said:
    first: float
    last: float
    count: int


class Events:
    """Remembers what was said."""

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._said: OrderedDict[str, Said] = OrderedDict()

    def event(self, tell: Tell, now: float) -> Manifest | None:
        """The Event to be written; None when it was said just now."""
        digest = _digest(tell)
        old = self._said.get(digest)
        if old is not None and now < old.last + PAUSE:
            return None
        said = Said(old.first if old else now, now, old.count + 1 if old else 1)
        self._said[digest] = said
        self._said.move_to_end(digest)
        while len(self._said) > REMEMBERED:
            self._said.popitem(last=False)
        name = child_name(tell.about.name, f".{digest}", 253)
        key = Key("Event", tell.about.namespace, name)
        return Manifest(key, _body(tell, key, said, self._identity))

    def unsaid(self, tell: Tell) -> None:
        """It could not be written: it may be said again at once."""
        self._said.pop(_digest(tell), None)


def _digest(tell: Tell) -> str:
    words = f"{tell.uid}\n{tell.reason}\n{tell.message}"
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _body(tell: Tell, key: Key, said: Said, identity: str) -> dict[str, Any]:
    about = {
        "apiVersion": sort_of(tell.about.kind).api_version,
        "kind": tell.about.kind,
        "namespace": tell.about.namespace,
        "name": tell.about.name,
        "uid": tell.uid,
    }
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": key.name, "namespace": key.namespace},
        "involvedObject": about,
        "type": tell.type,
        "reason": tell.reason,
        "message": tell.message[:LONGEST],
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
        "reportingInstance": identity,
        "firstTimestamp": stamp(said.first),
        "lastTimestamp": stamp(said.last),
        "count": said.count,
    }
