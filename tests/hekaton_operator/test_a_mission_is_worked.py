"""A mission from admission to its end, as its Job, its row and its status show it."""

import pytest
from operator_world import SPACE, World, crew_pods, formation, mission

from hekaton_operator.names import MISSION
from hekaton_operator.objects import Key
from hekaton_operator.progress import Progress


def uid(world: World, key: Key) -> str:
    found: str = world.objects[key]["metadata"]["uid"]
    return found


def jobs(world: World) -> list[Key]:
    return sorted(key for key in world.objects if key.kind == "Job")


@pytest.fixture
async def job(world: World, crew: Key) -> Key:
    """A mission whose conductor works."""
    key = world.user(mission())
    await world.settle()
    world.row_is(Progress(uid(world, key), "running", owned=True, phase="build", started=5.0))
    await world.settle()
    return key


async def test_it_is_admitted_and_gets_a_job_on_the_replica(world: World, crew: Key) -> None:
    key = world.user(mission())
    await world.settle()
    assert world.condition(key, "Admitted")["status"] == "True"
    (job,) = jobs(world)
    words = world.objects[job]["spec"]["template"]["spec"]["containers"][0]["command"]
    replica = crew_pods(world)[0].name
    assert f"tcp://{replica}.crew.{SPACE}.svc:5590" in words
    assert uid(world, key) in words


async def test_its_namespace_gets_what_missions_share_until_the_last_is_gone(
    world: World, job: Key
) -> None:
    shared = {("Secret", "hekaton-database"), ("ServiceAccount", "hekaton-mission")}
    shared.add(("NetworkPolicy", "hekaton-mission"))
    assert shared <= {(key.kind, key.name) for key in world.objects}
    world.remove(job)
    await world.settle()
    assert not shared & {(key.kind, key.name) for key in world.objects}


async def test_its_status_mirrors_the_row(world: World, job: Key) -> None:
    status = world.status(job)
    assert world.condition(job, "Running")["status"] == "True"
    assert (status["phase"], status["startTime"]) == ("build", "1970-01-01T00:00:05Z")


async def test_a_pass_leaves_the_report_before_the_condition(world: World, job: Key) -> None:
    row = Progress(
        uid(world, job), "passed", "acceptance passed", commit="abcdef01", branch="result",
        ended=9.0, spent_tokens=70, spent_micros=250_000,
    )  # fmt: skip
    world.writes.clear()
    world.row_is(row)
    await world.settle()
    report = Key("ConfigMap", SPACE, "job-report")
    order = [key for verb, key in world.writes if key == report or verb == "status"]
    assert order.index(report) < order.index(job)
    status = world.status(job)
    assert world.condition(job, "Succeeded")["status"] == "True"
    assert status["artifact"]["location"] == "configmap/job-report"
    assert status["sitrep"].startswith("# SITREP")
    assert status["spent"] == {"tokens": 70, "usd": 0.25}


async def test_a_deleted_report_comes_back(world: World, job: Key) -> None:
    world.row_is(Progress(uid(world, job), "passed"))
    await world.settle()
    world.remove(Key("ConfigMap", SPACE, "job-report"))
    await world.settle()
    assert Key("ConfigMap", SPACE, "job-report") in world.objects


async def test_a_deleted_job_comes_back_and_goes_on_under_the_same_id(
    world: World, job: Key
) -> None:
    before = world.objects[jobs(world)[0]]["spec"]
    world.remove(jobs(world)[0])
    await world.settle()
    assert world.objects[jobs(world)[0]]["spec"] == before


async def test_a_whole_life_takes_few_writes(world: World, crew: Key) -> None:
    world.writes.clear()
    key = world.user(mission())
    await world.settle()
    world.row_is(Progress(uid(world, key), "running", owned=True))
    await world.settle()
    world.row_is(Progress(uid(world, key), "passed"))
    await world.settle()
    mine = [k for _, k in world.writes if k.kind != "Event" and k.name.startswith("job")]
    assert len(mine) <= 6  # ConfigMap, Job, report, and three states


async def test_nothing_is_written_when_nothing_happens(world: World, job: Key) -> None:
    world.writes.clear()
    world.dispatch.everything()
    await world.settle()
    assert world.writes == []


async def test_a_missing_formation_is_named_and_its_coming_heals(world: World) -> None:
    key = world.user(mission(formation="late"))
    await world.settle()
    said = world.condition(key, "Admitted")
    assert said["reason"] == "FormationMissing"
    assert "'late'" in said["message"]
    world.user(formation("late"))
    await world.settle()
    world.pod_ready(crew_pods(world, "late")[0])
    await world.settle()
    assert world.condition(key, "Admitted")["status"] == "True"


async def test_a_full_formation_queues_by_priority_then_age(world: World, crew: Key) -> None:
    first = world.user(mission("a-first"))
    await world.settle()
    world.now += 1
    low = world.user(mission("b-low"))
    world.now += 1
    high = world.user(mission("c-high", priority=5))
    await world.settle()
    assert (world.status(high)["queuePosition"], world.status(low)["queuePosition"]) == (0, 1)
    world.row_is(Progress(uid(world, first), "passed"))
    await world.settle()
    assert world.condition(high, "Admitted")["status"] == "True"
    assert world.condition(low, "Admitted")["reason"] == "Queued"
    assert "queuePosition" not in world.status(high)


async def test_a_failure_is_retried_with_what_is_left_of_the_budget(
    world: World, crew: Key
) -> None:
    key = world.user(mission(retries=1))
    await world.settle()
    first = Progress(uid(world, key), "failed", "no", spent_tokens=400, spent_micros=300_000)
    world.row_is(first)
    await world.settle()
    assert [each.name[-3:] for each in jobs(world)].count("-r1") == 1
    papers = next(k for k in world.objects if k.kind == "ConfigMap" and k.name.endswith("-r1"))
    text = world.objects[papers]["data"]["mission.yaml"]
    assert "tokens: 600" in text
    assert "usd: 0.7" in text
    world.row_is(Progress(f"{uid(world, key)}-r1", "failed", "again no", spent_tokens=1))
    await world.settle()
    assert world.condition(key, "Failed")["message"] == "again no"
    assert world.status(key)["spent"]["tokens"] == 401


@pytest.mark.parametrize(
    ("kind", "condition"),
    [("killed", "Cancelled"), ("budget", "BudgetExhausted"), ("time", "BudgetExhausted")],
)
async def test_a_stop_for_good_ends_it(world: World, job: Key, kind: str, condition: str) -> None:
    world.row_is(Progress(uid(world, job), "stopped", "so", kind))
    await world.settle()
    assert world.condition(job, condition)["status"] == "True"


async def test_cancel_asks_then_takes_the_pods_and_is_true_only_then(
    world: World, job: Key
) -> None:
    body = {**mission(cancel=True)}
    world.user(body)
    world.deliver()
    while await world.step():
        pass
    assert world.halted == [uid(world, job)]
    assert world.condition(job, "Cancelled")["status"] == "Unknown"
    assert jobs(world)
    await world.settle()
    assert jobs(world) == []
    assert world.pods(MISSION, "job") == []
    assert world.condition(job, "Cancelled")["status"] == "True"


async def test_cancel_takes_also_the_pods_of_an_attempt_that_failed(
    world: World, crew: Key
) -> None:
    key = world.user(mission(retries=1))
    await world.settle()
    world.row_is(Progress(uid(world, key), "failed"))
    await world.settle()
    assert len(jobs(world)) == 2  # the first one's pod hangs
    world.user(mission(retries=1, cancel=True))
    await world.settle()
    assert jobs(world) == world.pods(MISSION, "job") == []
    assert world.condition(key, "Cancelled")["status"] == "True"


async def test_a_mission_cancelled_in_the_queue_never_began(world: World, job: Key) -> None:
    waits = world.user(mission("waits"))
    await world.settle()
    world.user(mission("waits", cancel=True))
    await world.settle()
    assert "before it began" in world.condition(waits, "Cancelled")["message"]
    assert len(jobs(world)) == 1


async def test_suspend_stops_the_pod_and_gives_the_place_away(world: World, job: Key) -> None:
    other = world.user(mission("other"))
    world.user(mission(suspend=True))
    await world.settle()
    assert world.objects[Key("Job", SPACE, jobs(world)[0].name)]["spec"]["suspend"]
    assert world.condition(job, "Admitted")["reason"] == "Suspended"
    assert world.condition(other, "Admitted")["status"] == "True"
    world.user(mission())
    await world.settle()
    assert world.condition(job, "Admitted")["reason"] == "Queued"
    world.row_is(Progress(uid(world, other), "passed"))
    await world.settle()
    assert world.condition(job, "Admitted")["status"] == "True"
    assert not any(world.objects[each]["spec"].get("suspend") for each in jobs(world))


async def test_a_finished_mission_is_deleted_after_its_time(world: World, crew: Key) -> None:
    key = world.user(mission(ttlAfterFinished="1h"))
    await world.settle()
    world.row_is(Progress(uid(world, key), "passed", ended=world.now))
    await world.settle()
    world.now += 3601
    world.dispatch.everything()
    await world.settle()
    assert key not in world.objects


async def test_the_day_s_budget_holds_missions_back(world: World, crew: Key) -> None:
    world.user(formation(capacity=5, budget={"tokensPerDay": 1500}))
    await world.settle()
    one, two = world.user(mission("one")), world.user(mission("two"))
    await world.settle()
    held = [key for key in (one, two) if world.condition(key, "Admitted")["status"] == "False"]
    (waits,) = held
    assert world.condition(waits, "Admitted")["reason"] == "BudgetExceeded"
    runs = one if waits == two else two
    world.row_is(Progress(uid(world, runs), "passed", spent_tokens=100, started=world.now))
    await world.settle()
    assert world.condition(waits, "Admitted")["status"] == "True"


async def test_a_job_that_gave_up_is_made_again_while_the_mission_can_go_on(
    world: World, job: Key
) -> None:
    name = jobs(world)[0]
    before = world.objects[name]["metadata"]["uid"]
    ended = {"type": "Failed", "status": "True", "lastTransitionTime": "1970-01-01T00:00:00Z"}
    world.pod_status(name, {"conditions": [ended]})
    await world.settle()
    assert world.objects[name]["metadata"]["uid"] != before
    assert world.condition(job, "Admitted")["status"] == "True"


async def test_bad_input_fails_with_the_conductor_s_last_words(world: World, crew: Key) -> None:
    key = world.user(mission())
    await world.settle()
    over = {"exitCode": 2, "reason": "Error", "message": "spec.workspace.pvc: no such folder."}
    held = {"name": "conductor", "state": {"terminated": over}}
    (pod,) = world.pods(MISSION, "job")
    world.pod_status(pod, {"phase": "Failed", "containerStatuses": [held]})
    world.deliver()
    world.pod_status(jobs(world)[0], {"conditions": [{"type": "Failed", "status": "True"}]})
    world.deliver()
    while await world.step():
        pass
    assert "no such folder" in world.condition(key, "Failed")["message"]
