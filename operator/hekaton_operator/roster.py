"""Who has a place in a formation, and who waits: kept up to date mission by mission.

Each mission's line is made anew when the mission or its Job changes, and every sum over lines with
it: nothing that a reconcile asks for takes longer where there are more missions. A place that was just
given counts before the cluster has heard of it.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any, Literal, TypeAlias

from hekaton_operator.conditions import find, holds, read
from hekaton_operator.formation.view import Use
from hekaton_operator.mission.admission import BLOCKED, shown
from hekaton_operator.mission.shared import networked
from hekaton_operator.mission.view import ENDS, Queue, job_of
from hekaton_operator.objects import Body, Key
from hekaton_operator.times import day, instant

FIRST = 16
"""Of a queue that are looked at whenever something changed."""
Rank: TypeAlias = tuple[int, str, str]
State: TypeAlias = Literal["active", "waits", "idle", "ended"]
"""Has a place; is in the queue; neither, though it may be some day; never again."""


@dataclass(frozen=True, slots=True)
class Line:
    """A mission as its formation sees it."""

    key: Key
    formation: Key
    state: State
    rank: Rank
    """Who comes first: priority, then age, then name."""
    replica: str
    revision: str
    shown: int | None
    """Queue position in its status."""
    cap: tuple[int, int]
    """Tokens and micro-dollars of its budget."""
    spent: tuple[int, int]
    started: float
    networked: bool
    """Whether it comes from a repository elsewhere."""

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
        networked=networked(mission),
    )  # fmt: skip


def _amount(account: Mapping[str, Any]) -> tuple[int, int]:
    return int(account.get("tokens", 0)), round(float(account.get("usd", 0)) * 1e6)


class _Team:
    """The lines of one formation's missions, and what they come to."""

    __slots__ = ("busy", "caps", "days", "lines", "load", "revisions", "watched", "waits")

    def __init__(self) -> None:
        self.lines: dict[Key, Line] = {}
        self.waits: list[tuple[Rank, Key]] = []
        """In the order of the queue."""
        self.watched: set[Key] = set()
        """Those that wait for something else than their turn."""
        self.busy = 0
        self.load: Counter[str] = Counter()
        """Active missions by replica."""
        self.revisions: Counter[str] = Counter()
        self.caps = (0, 0)
        """Tokens and micro-dollars of those that are active."""
        self.days: Counter[tuple[int, int]] = Counter()
        """Tokens (0) and micro-dollars (1) that the others spent, by the day on which they began."""

    def put(self, new: Line) -> None:
        self.lines[new.key] = new
        if new.waits:
            insort(self.waits, (new.rank, new.key))
        if new.state == "idle":
            self.watched.add(new.key)
        self._count(new, 1)

    def drop(self, mission: Key) -> None:
        old = self.lines.pop(mission)
        if old.waits:
            del self.waits[bisect_left(self.waits, (old.rank, mission))]
        self.watched.discard(mission)
        self._count(old, -1)

    def misplaced(self, begin: int) -> tuple[Key, ...]:
        """Those from this place of the queue on whose status shows another one. Where it shows none,
        the mission is new or has just changed, and is looked at for that."""
        queue = islice(self.waits, begin, None)
        places = enumerate(queue, start=begin)
        told = ((at, key, self.lines[key].shown) for at, (_, key) in places)
        return tuple(key for at, key, said in told if said is not None and said != shown(at))

    def _count(self, line: Line, sign: int) -> None:
        if line.active:
            self.busy += sign
            self.load[line.replica] += sign
            self.revisions[line.revision] += sign
            self.caps = self.caps[0] + sign * line.cap[0], self.caps[1] + sign * line.cap[1]
        elif line.started:
            for which, amount in enumerate(line.spent):
                self.days[day(line.started), which] += sign * amount

    def today(self, now: float, own: Line | None) -> tuple[int, int]:
        """What all but one may use today: spent, or for those that run their cap."""
        found = [self.caps[which] + self.days[day(now), which] for which in (0, 1)]
        if own is not None:
            less = own.cap if own.active else own.spent if day(own.started) == day(now) else (0, 0)
            found = [found[0] - less[0], found[1] - less[1]]
        return found[0], found[1]


class Roster:
    """The lines of all missions, by formation."""

    def __init__(self) -> None:
        self._teams: dict[Key, _Team] = {}
        self._formations: dict[Key, Key] = {}
        self._promised: dict[Key, tuple[Key, str]] = {}
        self._spaces: Counter[str] = Counter()
        self._networked: Counter[str] = Counter()

    def put(self, new: Line) -> None:
        self.drop(new.key)
        self._teams.setdefault(new.formation, _Team()).put(new)
        self._formations[new.key] = new.formation
        self._spaces[new.key.namespace] += 1
        self._networked[new.key.namespace] += new.networked

    def drop(self, mission: Key) -> None:
        formation = self._formations.pop(mission, None)
        if formation is None:
            return
        team = self._teams[formation]
        self._spaces[mission.namespace] -= 1
        self._networked[mission.namespace] -= team.lines[mission].networked
        team.drop(mission)
        if not team.lines:
            del self._teams[formation]

    def promise(self, mission: Key, formation: Key, replica: str) -> None:
        """Count a place as taken from now on, until `settle`."""
        self._promised[mission] = (formation, replica)

    def settle(self, mission: Key) -> None:
        """The place is taken in the cluster, or was not taken after all."""
        self._promised.pop(mission, None)

    def use(self, formation: Key) -> Use:
        team = self._teams.get(formation) or _Team()
        return Use(team.busy, len(team.waits), tuple(team.revisions.elements()))

    def space(self, namespace: str) -> tuple[int, bool]:
        """How many missions a namespace has, and whether one comes from a repository elsewhere."""
        return self._spaces[namespace], self._networked[namespace] > 0

    def queue(self, mission: Key, formation: Key, now: float) -> Queue:
        """The others, as the mission sees them."""
        team = self._teams.get(formation) or _Team()
        own = team.lines.get(mission)
        load, active = dict(team.load), team.busy
        ahead = len(team.waits) if own is None else bisect_left(team.waits, (own.rank, mission))
        if own is not None and own.active:
            load[own.replica] -= 1
            active -= 1
        for other, (where, replica) in self._promised.items():
            if where != formation or other == mission:
                continue
            line = team.lines.get(other)
            if line is not None and line.active:
                load[line.replica] -= 1
                active -= 1
            load[replica] = load.get(replica, 0) + 1
            active += 1
            waits = line is not None and line.waits
            ahead -= waits and (own is None or line is not None and line.rank < own.rank)
        return Queue(ahead, load, active, *team.today(now, own))

    def waiting(self, formation: Key) -> tuple[Line, ...]:
        """Those in the queue, first come first."""
        team = self._teams.get(formation) or _Team()
        return tuple(team.lines[key] for _, key in team.waits)

    def stirred(self, formation: Key) -> tuple[Key, ...]:
        """Missions that a change of their formation may concern: all that have not ended."""
        team = self._teams.get(formation) or _Team()
        active = (key for key, line in team.lines.items() if line.active)
        return (*active, *self.freed(formation))

    def freed(self, formation: Key) -> tuple[Key, ...]:
        """Missions that a free place may concern: those that may soon have it, those that something
        blocks, and those whose shown position is wrong."""
        team = self._teams.get(formation) or _Team()
        first = tuple(key for _, key in team.waits[:FIRST])
        return (*team.watched, *first, *team.misplaced(FIRST))

    def behind(self, formation: Key, rank: Rank) -> tuple[Key, ...]:
        """Missions from this rank on whose shown position is wrong."""
        team = self._teams.get(formation) or _Team()
        return team.misplaced(bisect_left(team.waits, rank, key=itemgetter(0)))

    def get(self, mission: Key) -> Line | None:
        formation = self._formations.get(mission)
        return None if formation is None else self._teams[formation].lines[mission]
