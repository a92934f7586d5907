"""What a formation makes, what it claims, and that it does nothing twice."""

import pytest
from operator_world import SPACE, World, crew_pods, formation

from hekaton_operator.errors import Refused
from hekaton_operator.objects import Key

CHILDREN = {
    "StatefulSet", "Service", "Secret", "ConfigMap", "ServiceAccount", "NetworkPolicy",
    "PodDisruptionBudget", "ControllerRevision",
}  # fmt: skip


async def test_it_makes_every_kind_of_child(world: World, crew: Key) -> None:
    assert {key.kind for key in world.objects} >= CHILDREN


async def test_it_is_ready_only_when_its_pod_is(world: World) -> None:
    key = world.user(formation())
    await world.settle()
    assert world.condition(key, "Ready")["reason"] == "PodsNotReady"
    world.pod_ready(crew_pods(world)[0])
    await world.settle()
    assert world.condition(key, "Ready")["status"] == "True"


async def test_reconciling_again_writes_nothing(world: World, crew: Key) -> None:
    world.writes.clear()
    world.dispatch.everything()
    await world.settle()
    assert world.writes == []


async def test_the_time_of_a_condition_changes_only_with_its_status(
    world: World, crew: Key
) -> None:
    before = world.condition(crew, "Ready")
    world.now += 100
    world.user(formation(replicas=1, capacity=3))
    await world.settle()
    after = world.condition(crew, "Ready")
    assert after["observedGeneration"] == before["observedGeneration"] + 1
    assert after["lastTransitionTime"] == before["lastTransitionTime"]


@pytest.mark.parametrize("kind", sorted(CHILDREN))
async def test_a_deleted_child_comes_back(world: World, crew: Key, kind: str) -> None:
    lost = [key for key in world.objects if key.kind == kind]
    for key in lost:
        world.remove(key)
    await world.settle()
    assert all(key in world.objects for key in lost)


async def test_pods_start_anew_when_their_keys_were_lost(world: World, crew: Key) -> None:
    before = world.objects[crew_pods(world)[0]]["metadata"]["uid"]
    world.remove(Key("Secret", SPACE, "crew-bus"))
    await world.settle()
    assert world.objects[crew_pods(world)[0]]["metadata"]["uid"] != before


async def test_keys_are_kept_until_somebody_asks_for_others(world: World, crew: Key) -> None:
    secret = Key("Secret", SPACE, "crew-bus")
    before = world.objects[secret]["data"]
    world.user(formation(capacity=2))
    await world.settle()
    assert world.objects[secret]["data"] == before
    body = formation(capacity=2)
    body["metadata"]["annotations"] = {"hekaton.dev/rotate": "2"}
    world.user(body)
    await world.settle()
    assert not set(world.objects[secret]["data"].values()) & set(before.values())


async def test_what_does_not_fit_makes_no_pods_and_names_the_nearest_remedy(world: World) -> None:
    model = {"name": "big", "engine": "vllm", "model": "Qwen/Qwen2.5-72B-Instruct"}
    role = {"name": "sapper", "role": "sapper", "model": "big"}
    key = world.user(formation(hardware={"profile": "gh200-96"}, models=[model], roles=[role]))
    await world.settle()
    fits = world.condition(key, "VRAMFits")
    assert (fits["status"], fits["reason"]) == ("False", "OverBudget")
    assert "too much. " in fits["message"]
    assert world.condition(key, "Stalled")["status"] == "True"
    assert not [key for key in world.objects if key.kind == "StatefulSet"]


async def test_a_key_from_the_environment_is_refused_with_the_remedy(world: World) -> None:
    model = {
        "name": "m", "engine": "external", "endpoint": "http://m:1/v1", "credentials": {"env": "K"},
    }  # fmt: skip
    key = world.user(formation(models=[model]))
    await world.settle()
    said = world.condition(key, "Stalled")
    assert said["reason"] == "CredentialsNotInSecret"
    assert "secretKeyRef" in said["message"]


async def test_a_refused_write_is_a_condition_and_heals(world: World) -> None:
    service = Key("Service", SPACE, "crew")
    world.refusals[service] = Refused("NameTaken", "Service team/crew belongs to somebody else.")
    key = world.user(formation())
    await world.settle()
    assert world.condition(key, "Stalled")["reason"] == "NameTaken"
    assert world.condition(key, "Ready")["status"] == "False"
    world.writes.clear()
    world.dispatch.everything()
    await world.settle()
    assert [write for write in world.writes if write[0] == "status"] == []
    del world.refusals[service]
    world.now += 61
    world.dispatch.everything()
    await world.settle()
    assert world.condition(key, "Stalled")["status"] == "False"
    assert service in world.objects


async def test_trouble_with_a_pod_is_told_once_and_heals(world: World, crew: Key) -> None:
    pod = crew_pods(world)[0]
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    held = {"name": "router", "image": "x:1", "state": {"waiting": waiting}}
    world.writes.clear()
    world.pod_status(pod, {"phase": "Pending", "containerStatuses": [held]})
    await world.settle()
    said = world.condition(crew, "Ready")
    assert said["reason"] == "ImagePullFailed"
    assert "'x:1'" in said["message"]
    assert len([key for _, key in world.writes if key.kind == "Event"]) == 1
    world.pod_ready(pod)
    await world.settle()
    assert world.condition(crew, "Ready")["status"] == "True"


async def test_a_formation_at_rest_has_no_pods_and_says_so(world: World, crew: Key) -> None:
    world.user(formation(replicas=0))
    await world.settle()
    assert crew_pods(world) == []
    assert world.condition(crew, "Ready")["reason"] == "AtRest"
    assert world.condition(crew, "Reconciling")["status"] == "False"
