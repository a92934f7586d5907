"""How a new revision takes over from the old one. Pure.

One revision holds the traffic. DrainAndSwap: no new missions, those that run may end (until
drainTimeout), the old pods go, then the new ones come; it needs no spare hardware. BlueGreen: the
new pods come beside the old, take the traffic once all are ready, and the old ones drain. InPlace:
the old pods go at once.
"""

from dataclasses import dataclass

from hekaton_api.formation import FormationSpec
from hekaton_operator.conditions import find
from hekaton_operator.formation.view import Set, View, ready_pods, sets
from hekaton_operator.times import instant


@dataclass(frozen=True, slots=True)
class Swap:
    """Which revisions stand, which go, and which one takes missions."""

    current: str
    """Takes missions; empty when none may."""
    starts: bool
    """Whether the wanted revision's pods shall be there."""
    goes: tuple[Set, ...]
    """To be deleted now."""
    stays: tuple[Set, ...]
    """Old ones that must stay for a while."""
    busy: int
    """Missions that hold an old revision."""
    until: float | None
    """When the wait for missions ends, seconds since 1970."""

    @property
    def running(self) -> bool:
        return bool(self.goes or self.stays)


def swap(view: View, spec: FormationSpec, wanted: str) -> Swap:
    old = tuple(each for each in sets(view) if each.name != wanted)
    leaving = any(pod.revision != wanted for pod in view.pods)
    if not old:
        freed = not leaving or spec.update.strategy != "DrainAndSwap"
        return Swap(wanted, freed, (), (), 0, None)
    names = {each.name for each in old}
    busy = sum(revision in names for revision in view.use.revisions)
    since = find(view.conditions, "SwapInProgress")
    started = instant(since.since) if since and since.holds else view.now
    until = started + spec.update.drain_seconds
    over = not busy or view.now >= until
    match spec.update.strategy:
        case "InPlace":
            return Swap(wanted, True, old, (), busy, None)
        case "DrainAndSwap" if over:
            return Swap("", False, old, (), busy, None)
        case "DrainAndSwap":
            return Swap("", False, (), old, busy, until)
        case "BlueGreen":
            return _blue_green(view, spec, wanted, (old, busy, until, over))


def _blue_green(
    view: View, spec: FormationSpec, wanted: str, drain: tuple[tuple[Set, ...], int, float, bool]
) -> Swap:
    old, busy, until, over = drain
    whole = len(ready_pods(view, wanted)) >= spec.replicas
    if not whole:
        names = {each.name for each in old}
        holder = view.current if view.current in names else old[-1].name
        return Swap(holder, True, (), old, busy, None)
    if over:
        return Swap(wanted, True, old, (), busy, None)
    return Swap(wanted, True, (), old, busy, until)
