"""Who has a place in a formation, and who waits: kept up to date mission by mission.

Each mission's line is made anew when the mission or its Job changes, so that nobody has to read all
missions to know a queue. A place that was just given counts before the cluster has heard of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from hekaton_operator.conditions import find, holds, read
from hekaton_operator.formation.view import Use
from hekaton_operator.mission.admission import BLOCKED, shown
from hekaton_operator.mission.view import ENDS, Queue, job_of
from hekaton_operator.objects import Body, Key
from hekaton_operator.times import instant, same_day

FIRST = 16
"""Of a queue that are looked at whenever something changed."""
State: TypeAlias = Literal["active", "waits", "idle", "ended"]
"""Has a place; is in the queue; neither, though it may be some day; never again."""


@dataclass(frozen=True, slots=True)
class Line:
    """A mission as its formation sees it."""

    key: Key
    formation: Key
    state: State
    rank: tuple[int, str, str]
    """Who comes first: priority, then age, then name."""
    replica: str
    revision: str
    shown: int | None
    """Queue position in its status."""
    cap: tuple[int, int]
    """Tokens and micro-dollars of its budget."""
    spent: tuple[int, int]
    started: float

    @property
    def active(self) -> bool:
        return self.state == "active"

    @property
    def waits(self) -> bool:
        return self.state == "waits"


def line(key: Key, mission: Body, jobs: Iterable[Body]) -> Line:
    """Pure: the mission's line of the roster."""
    spec, status = mission.get("spec") or {}, mission.get("status") or {}
    conditions = read(mission)
    ended = any(holds(conditions, kind) for kind in ENDS)
    living = [job_of(body) for body in jobs]
    works = [job for job in living if not job.suspended and not job.finished]
    admitted = find(conditions, "Admitted")
    suspended = bool(spec.get("suspend"))
    active = not ended and (
        bool(works) or (admitted is not None and admitted.holds and not suspended)
    )
    blocked = admitted is not None and admitted.claim.reason in BLOCKED
    idle = suspended or bool(spec.get("cancel")) or blocked
    state: State = "ended" if ended else "active" if active else "idle" if idle else "waits"
    replica = next((job.replica for job in works), "")
    budget = spec.get("budget") or {}
    return Line(
        key=key,
        formation=Key("Formation", key.namespace, spec.get("formation", "")),
        state=state,
        rank=(-int(spec.get("priority", 0)), mission["metadata"].get("creationTimestamp", ""), key.name),
        replica=replica,
        revision=replica.rpartition("-")[0] or status.get("formationRevision", ""),
        shown=status.get("queuePosition"),
        cap=_amount(budget),
        spent=_amount(status.get("spent") or {}),
        started=instant(status.get("startTime", "")),
    )  # fmt: skip


def _amount(account: Mapping[str, Any]) -> tuple[int, int]:
    return int(account.get("tokens", 0)), round(float(account.get("usd", 0)) * 1e6)


class Roster:
    """The lines of all missions, by formation."""

    def __init__(self) -> None:
        self._lines: dict[Key, dict[Key, Line]] = {}
        self._formations: dict[Key, Key] = {}
        self._promised: dict[Key, tuple[Key, str]] = {}

    def put(self, new: Line) -> None:
        self.drop(new.key)
        self._lines.setdefault(new.formation, {})[new.key] = new
        self._formations[new.key] = new.formation

    def drop(self, mission: Key) -> None:
        formation = self._formations.pop(mission, None)
        if formation is not None:
            lines = self._lines[formation]
            lines.pop(mission, None)
            if not lines:
                del self._lines[formation]

    def promise(self, mission: Key, formation: Key, replica: str) -> None:
        """Count a place as taken from now on, until `settle`."""
        self._promised[mission] = (formation, replica)

    def settle(self, mission: Key) -> None:
        """The place is taken in the cluster, or was not taken after all."""
        self._promised.pop(mission, None)

    def use(self, formation: Key) -> Use:
        lines = self._of(formation)
        active = [each for each in lines if each.active]
        waiting = sum(each.waits for each in lines)
        return Use(len(active), waiting, tuple(sorted(each.revision for each in active)))

    def queue(self, mission: Key, formation: Key, now: float) -> Queue:
        """The others, as the mission sees them."""
        lines = [each for each in self._of(formation) if each.key != mission]
        own = self._lines.get(formation, {}).get(mission)
        load: dict[str, int] = {}
        active = {each.key: each.replica for each in lines if each.active}
        active |= {k: r for k, (f, r) in self._promised.items() if f == formation and k != mission}
        for replica in active.values():
            load[replica] = load.get(replica, 0) + 1
        waits = [each for each in lines if each.waits and each.key not in active]
        ahead = sum(own is None or each.rank < own.rank for each in waits)
        today = [_today(each, now) for each in lines]
        tokens, micros = sum(t for t, _ in today), sum(m for _, m in today)
        return Queue(ahead, load, len(active), tokens, micros)

    def waiting(self, formation: Key) -> tuple[Line, ...]:
        """Those in the queue, first come first."""
        return tuple(
            sorted((each for each in self._of(formation) if each.waits), key=lambda each: each.rank)
        )

    def stirred(self, formation: Key) -> tuple[Key, ...]:
        """Missions that a change of their formation may concern: those that have or may soon have a
        place, those that something blocks, and those whose shown position is wrong."""
        waiting = self.waiting(formation)
        found = [each.key for each in self._of(formation) if each.state in ("active", "idle")]
        found += [
            each.key
            for ahead, each in enumerate(waiting)
            if ahead < FIRST or each.shown != shown(ahead)
        ]
        return tuple(found)

    def get(self, mission: Key) -> Line | None:
        formation = self._formations.get(mission)
        return None if formation is None else self._lines[formation].get(mission)

    def _of(self, formation: Key) -> Iterable[Line]:
        return self._lines.get(formation, {}).values()


def _today(each: Line, now: float) -> tuple[int, int]:
    if each.active:
        return each.cap
    return each.spent if each.started and same_day(each.started, now) else (0, 0)
