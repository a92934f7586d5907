"""What a mission costs at the API server: counted in a cluster in memory, from creation to end."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from operator_world import World, crew_pods, formation, mission

from hekaton_operator.objects import Key
from hekaton_operator.pacing import FIRST, GROWTH, Pacing
from hekaton_operator.progress import Progress

PHASES = ("discover", "debate", "scaffold", "architect", "build", "verify", "audit", "report")
JOB = Key("Mission", "team", "a")


async def team(world: World, capacity: int = 1000) -> None:
    world.user(formation(capacity=capacity))
    await world.settle()
    for pod in crew_pods(world):
        world.pod_ready(pod)
    await world.settle()
    world.writes.clear()


def writes(world: World) -> Counter[str]:
    return Counter(f"{what} {key.kind}" for what, key in world.writes)


async def test_a_life_of_a_minute_with_every_phase_told_costs_ten_writes(world: World) -> None:
    await team(world)
    key = world.user(mission("a"))
    await world.settle()
    uid, began = world.objects[key]["metadata"]["uid"], world.now
    for number in range(60):
        world.now = began + number
        phase = PHASES[number * len(PHASES) // 60]
        row = Progress(uid, "running", owned=True, phase=phase, tasks_done=number, started=began)
        world.row_is(row)
        await world.settle(until=0.0)
    world.row_is(Progress(uid, "passed", phase="report", started=began, ended=world.now))
    await world.settle()
    assert world.condition(key, "Succeeded")["status"] == "True"
    own = [write for write in world.writes if write[1].kind != "Formation"]
    shared = [write for write in own if "hekaton-" in write[1].name]
    assert len(own) - len(shared) <= 10, writes(world)
    assert len([w for w in world.writes if w[1].kind == "Formation"]) <= 3


async def test_a_burst_costs_each_mission_three_writes_and_few_reconciles(world: World) -> None:
    await team(world)
    for number in range(300):
        world.user(mission(f"m-{number:03}"))
    world.deliver()
    steps = 0
    while await world.step():
        world.deliver()
        steps += 1
    count = writes(world)
    assert count["apply ConfigMap"] == count["apply Job"] == count["status Mission"] == 300
    assert count["apply Event"] == 0
    assert count["status Formation"] <= 3
    assert steps < 300 * 4, "a mission is looked at whenever another changes"


async def test_those_who_wait_are_not_all_looked_at_when_one_ends(world: World) -> None:
    await team(world, capacity=1)
    for number in range(100):
        world.user(mission(f"m-{number:03}"))
    await world.settle()
    (job,) = (key for key in world.objects if key.kind == "Job")
    owner = world.objects[job]["metadata"]["ownerReferences"][0]["uid"]
    world.writes.clear()
    world.row_is(Progress(owner, "passed", started=world.now))
    await world.settle()
    assert len([key for key in world.objects if key.kind == "Job"]) == 2
    assert writes(world)["status Mission"] < 30


def shown(phase: str, **more: object) -> dict[str, object]:
    return {"phase": phase, "conditions": [{"type": "Running", "status": "True"}], **more}


@given(st.lists(st.floats(0.1, 30), min_size=1, max_size=200))
def test_counters_are_never_older_than_two_thirds_of_the_time_since_news(
    steps: list[float],
) -> None:
    pacing, now = Pacing(), 1000.0
    pacing.told(JOB, {}, shown("build"), now)
    since = last = now
    for number, step in enumerate(steps):
        now += step
        wanted = shown("build", tasks=number)
        if pacing.wait(JOB, shown("build"), wanted, now) == 0.0:
            pacing.told(JOB, shown("build"), wanted, now)
            last = now
        assert now - last <= max(FIRST, (now - since) * (1 - 1 / GROWTH)) + 1e-6


def test_what_people_wait_for_is_told_at_once() -> None:
    pacing = Pacing()
    pacing.told(JOB, {}, shown("build"), 1000.0)
    assert pacing.wait(JOB, shown("build"), shown("verify"), 1000.1) > 0
    changed = {**shown("build"), "conditions": [{"type": "Running", "status": "False"}]}
    assert pacing.wait(JOB, shown("build"), changed, 1000.1) == 0
    assert pacing.wait(JOB, shown("build"), shown("build", artifact={}), 1000.1) == 0


async def test_an_operator_that_begins_anew_writes_nothing(world: World) -> None:
    await team(world)
    key = world.user(mission("a"))
    await world.settle()
    world.row_is(Progress(world.objects[key]["metadata"]["uid"], "running", owned=True))
    await world.settle()
    world.writes.clear()
    world.restart()
    world.dispatch.everything()
    await world.settle()
    assert world.writes == []
