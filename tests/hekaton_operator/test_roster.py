"""Sums that are kept line by line say what counting all lines would say."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from operator_world import mission

from hekaton_operator.mission.admission import shown
from hekaton_operator.objects import Key
from hekaton_operator.roster import FIRST, Line, Roster, line
from hekaton_operator.times import day

CREW = Key("Formation", "team", "crew")
NOW = 1_000_000.0
names = st.integers(0, 30).map(lambda number: Key("Mission", "team", f"m-{number:02}"))
lines = st.builds(
    Line,
    key=names,
    formation=st.sampled_from([CREW, Key("Formation", "team", "other")]),
    state=st.sampled_from(["active", "waits", "idle", "ended"]),
    rank=st.just((0, "", "")),
    replica=st.sampled_from(["crew-0", "crew-1"]),
    revision=st.sampled_from(["r1", "r2"]),
    shown=st.none() | st.integers(0, 12),
    cap=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    spent=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    started=st.sampled_from([0.0, NOW - 1, NOW - 200_000]),
    networked=st.booleans(),
)
ranks = st.integers(-2, 2)


def ranked(one: Line, priority: int) -> Line:
    values: dict[str, Any] = {name: getattr(one, name) for name in one.__slots__}
    return Line(**{**values, "rank": (priority, "", one.key.name)})


@given(
    st.lists(st.tuples(lines, ranks, st.booleans()), max_size=60),
    names,
    st.lists(st.tuples(names, st.sampled_from(["crew-0", "crew-1"])), max_size=3),
)
def test_a_roster_says_what_counting_says(
    changes: list[tuple[Line, int, bool]], own: Key, promised: list[tuple[Key, str]]
) -> None:
    roster, known = Roster(), dict[Key, Line]()
    for each, priority, goes in changes:
        new = ranked(each, priority)
        if goes:
            roster.drop(new.key)
            known.pop(new.key, None)
        else:
            roster.put(new)
            known[new.key] = new
    for key, replica in promised:
        roster.promise(key, CREW, replica)
    counted(roster, known, own, dict(promised))


def counted(roster: Roster, known: dict[Key, Line], own: Key, promised: dict[Key, str]) -> None:
    """The same, the long way."""
    all_lines = [each for each in known.values() if each.formation == CREW]
    use = roster.use(CREW)
    active = [each for each in all_lines if each.state == "active"]
    waits = sorted((e for e in all_lines if e.state == "waits"), key=lambda e: e.rank)
    assert (use.active, use.queued) == (len(active), len(waits))
    assert sorted(use.revisions) == sorted(each.revision for each in active)
    assert roster.space("team") == (len(known), any(e.networked for e in known.values()))
    mine = next((each for each in all_lines if each.key == own), None)
    taken = {e.key: e.replica for e in active if e.key != own}
    taken |= {key: replica for key, replica in promised.items() if key != own}
    ahead = [e for e in waits if e.key != own and e.key not in taken]
    today = [e.cap if e.state == "active" else e.spent if day(e.started) == day(NOW) else (0, 0)
             for e in all_lines if e.key != own]  # fmt: skip
    found = roster.queue(own, CREW, NOW)
    assert found.active == len(taken)
    assert {k: v for k, v in (found.load or {}).items() if v} == {
        replica: list(taken.values()).count(replica) for replica in set(taken.values())
    }
    assert found.ahead == sum(mine is None or e.rank < mine.rank for e in ahead)
    assert (found.day_tokens, found.day_micros) == (
        sum(t for t, _ in today), sum(m for _, m in today),
    )  # fmt: skip
    wrong = [e.key for n, e in enumerate(waits) if n < FIRST or e.shown != shown(n)]
    idle = [e.key for e in all_lines if e.state == "idle"]
    assert sorted(roster.freed(CREW)) == sorted(wrong + idle)
    assert sorted(roster.stirred(CREW)) == sorted(wrong + idle + [e.key for e in active])


def test_a_mission_from_a_repository_elsewhere_opens_its_namespace() -> None:
    roster, key = Roster(), Key("Mission", "team", "a")
    url = "https://git.example.com/x.git"
    body = mission("a", workspace={"git": {"url": url}})
    roster.put(line(key, body, ()))
    assert roster.space("team") == (1, True)
    roster.drop(key)
    assert roster.space("team") == (0, False)
