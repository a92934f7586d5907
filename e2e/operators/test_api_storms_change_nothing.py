"""Errors, lost answers, cut and expired watches, and an API server that is not there: afterwards all is
as if nothing had been, by the same process, which did not ask much more often than was needed."""

import json
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from cluster.use import Cluster
from cluster.waiting import until
from storms.crowd import Crowd, crowd
from storms.proxy import Proxy
from storms.weather import (
    BROKEN,
    CONFLICT,
    EXPIRED,
    LOST,
    STARTING,
    THROTTLED,
    Answer,
    Fate,
    Fog,
    Storm,
    hurried,
)

CALM = 90.0
"""Seconds until everything must be true again; a few on a quiet machine."""
TRIES = 12
"""Writes of one object at most, in a life of few changes and two faults each."""
STORMS: dict[str, tuple[Fate, ...]] = {
    "conflicts": (CONFLICT,),
    "throttled": (THROTTLED,),
    "errors": (BROKEN, STARTING),
    "answers lost": (LOST,),
    "all": (CONFLICT, THROTTLED, BROKEN, STARTING, LOST),
}


@pytest.fixture
def people(
    plane: Cluster,
    proxy: Proxy,
    operate: Callable[..., Any],
    leads: Callable[[str, float], float],
) -> Any:
    """A namespace with its crowd; the operator, which hears of it through the proxy, stays the same."""
    operator = operate("stormy", proxy.address)
    leads("stormy", 60)
    made = crowd(plane)
    yield made
    assert operator.process.poll() is None, operator.log.read_text()[-3000:]
    with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/healthz", timeout=5) as answer:
        assert answer.status == 200
    said = [json.loads(line) for line in operator.log.read_text().splitlines()]
    ours = [each for each in said if each["logger"].startswith("hekaton_operator")]
    assert not [each for each in ours if each["level"] == "error"]
    plane.kubectl("-n", made.space, "delete", "missions,formations", "--all", "--wait=false")


def live(people: Crowd) -> None:
    """Thirty missions and three formations are made, changed and deleted, some of them."""
    people.form()
    people.send(0, 30)
    until(people.wrong, CALM)
    people.form(capacity=15)
    people.send(0, 5, suspend=True)
    people.rob()
    people.dismiss(25, 30)
    until(people.wrong, CALM)


def bounded(proxy: Proxy) -> None:
    most = proxy.tries().most_common(1)
    assert not most or most[0][1] <= TRIES, most
    assert hurried(proxy.asked) == []


@pytest.mark.parametrize(
    "fates",
    [
        pytest.param(fates, id=name, marks=() if name == "all" else pytest.mark.full)
        for name, fates in STORMS.items()
    ],
)
def test_a_storm_on_writes(people: Crowd, proxy: Proxy, fates: tuple[Fate, ...]) -> None:
    proxy.storm = Storm(fates)
    live(people)
    assert sum(proxy.storm.hits.values()) > 30
    assert set(people.made().values()) == {1}
    assert len(people.made()) == 30
    bounded(proxy)


def test_watches_that_are_cut_again_and_again(people: Crowd, proxy: Proxy) -> None:
    def wrong() -> str:
        proxy.cut()
        return people.wrong()

    kinds = proxy.cut()
    people.form()
    people.send(0, 30)
    until(wrong, CALM)
    people.rob()
    people.dismiss(25, 30)
    until(wrong, CALM)
    assert proxy.watches() > 3 * kinds
    assert len(people.made()) == 30
    bounded(proxy)


@pytest.mark.parametrize(
    ("answer", "inside"),
    [
        pytest.param(EXPIRED, True, id="expired", marks=pytest.mark.full),
        pytest.param(EXPIRED, False, id="gone"),
        pytest.param(BROKEN, True, id="an error inside", marks=pytest.mark.full),
        pytest.param(THROTTLED, False, id="throttled", marks=pytest.mark.full),
    ],
)
def test_what_happens_behind_a_blind_watch_is_seen_afterwards(
    people: Crowd, proxy: Proxy, answer: Answer, inside: bool
) -> None:
    """Blind: watches break, and nothing can be watched until children and all missions are gone."""
    people.form()
    people.send(0, 6)
    until(people.wrong, CALM)
    proxy.fog = Fog(STARTING, inside=False, left=10_000)
    kinds = proxy.cut()
    people.rob()
    people.dismiss(0, 6)
    until(lambda: "missions are still there" if people.listed("missions") else "", 30)
    proxy.fog = Fog(answer, inside, left=kinds)
    until(people.wrong, CALM)
    bounded(proxy)


def test_an_api_server_that_is_away_for_some_seconds(people: Crowd, proxy: Proxy) -> None:
    people.form()
    people.send(0, 15)
    until(people.wrong, CALM)
    people.send(15, 30)
    proxy.refuse(6)
    people.rob()
    people.dismiss(0, 5)
    until(people.wrong, CALM)
    assert len(people.made()) == 30
    bounded(proxy)


@pytest.mark.full
def test_an_api_server_that_is_away_longer_than_a_lease(
    plane: Cluster,
    proxy: Proxy,
    operate: Callable[..., Any],
    leads: Callable[[str, float], float],
) -> None:
    """Who cannot renew the Lease ends, as another may lead by now; the next one finds all as it is."""
    first = operate("early", proxy.address)
    leads("early", 60)
    people = crowd(plane)
    people.form()
    people.send(0, 10)
    until(people.wrong, CALM)
    proxy.refuse(14)
    people.rob()
    people.dismiss(0, 5)
    assert first.process.wait(30) == 1
    operate("late", proxy.address)
    until(partial(people.wrong), CALM)
    assert len(people.made()) == 10
    plane.kubectl("-n", people.space, "delete", "missions,formations", "--all", "--wait=false")
