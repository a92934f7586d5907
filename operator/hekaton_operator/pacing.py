"""How often a status is written while only its progress changes.

What people wait for (a condition, a revision, an artifact) is written at once. Counters are not: they
come again soon, later and later, so that shown progress is never older than two thirds of the time
since the last real change, and a mission costs few writes however long it runs. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hekaton_operator.objects import Key

FIRST = 5.0
"""Seconds after a write before counters alone are worth another."""
GROWTH = 3.0
"""How much longer each wait takes, counted from the last real change."""
COUNTERS: Mapping[str, frozenset[str]] = {
    "Formation": frozenset(("activeMissions", "queue")),
    "Mission": frozenset(
        ("phase", "round", "wave", "tasks", "spent", "reserved", "savedUsd", "queuePosition")
    ),
}
WAITS = "Queued"
"""Reason whose message counts, too."""


@dataclass(frozen=True, slots=True)
class _Told:
    since: float
    """When something else than counters was written last."""
    last: float


class Pacing:
    """Remembers when each object's status was written."""

    def __init__(self) -> None:
        self._told: dict[Key, _Told] = {}

    def wait(
        self, key: Key, observed: Mapping[str, Any], wanted: Mapping[str, Any], now: float
    ) -> float:
        """Seconds until this status may be written; 0 for now."""
        told = self._told.get(key)
        if told is None or news(key, observed, wanted):
            return 0.0
        grown = told.since + GROWTH * (told.last - told.since)
        return max(0.0, told.last + FIRST - now, (grown if key.kind == "Mission" else 0.0) - now)

    def told(
        self, key: Key, observed: Mapping[str, Any], wanted: Mapping[str, Any], now: float
    ) -> None:
        """It was written."""
        told = self._told.get(key)
        fresh = told is None or news(key, observed, wanted)
        self._told[key] = _Told(now if told is None or fresh else told.since, now)
        if "completionTime" in wanted:
            self.forget(key)

    def forget(self, key: Key) -> None:
        """It is gone, or has ended."""
        self._told.pop(key, None)


def news(key: Key, observed: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether more than counters differs."""
    return _face(key, observed) != _face(key, wanted)


def _face(key: Key, status: Mapping[str, Any]) -> Mapping[str, Any]:
    counters = COUNTERS.get(key.kind, frozenset())
    found = {name: value for name, value in status.items() if name not in counters}
    conditions = [
        {**each, "message": ""} if each.get("reason") == WAITS else each
        for each in status.get("conditions") or ()
    ]
    return {**found, "conditions": sorted(conditions, key=lambda each: str(each["type"]))}
