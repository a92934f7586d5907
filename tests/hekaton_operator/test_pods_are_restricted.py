"""Every container of every pod: no root, no rights, its own keys and nobody else's."""

from dataclasses import replace
from typing import Any

import pytest
from operator_world import IMAGES, World, crew_pods, formation, mission

from hekaton_api.formation import FormationSpec
from hekaton_operator import names
from hekaton_operator.formation.pod import Team, template


async def templates(world: World) -> dict[str, dict[str, Any]]:
    """Pod templates of a formation with every kind of container, and of a mission."""
    models = [
        {"name": "m", "engine": "vllm", "model": "Qwen/Qwen2.5-0.5B-Instruct", "contextLength": 8192},
        {
            "name": "api", "engine": "external", "endpoint": "http://x:1/v1",
            "credentials": {"secretKeyRef": {"name": "key", "key": "k"}},
        },
    ]  # fmt: skip
    world.user(formation(models=models, hardware={"profile": "gh200-96"}))
    await world.settle()
    for pod in crew_pods(world):
        world.pod_ready(pod)
    credentials = {"secretKeyRef": {"name": "git", "key": "token"}}
    git = {"url": "https://example.com/r.git", "credentials": credentials}
    pvc = {"claimName": "out", "path": "here"}
    world.user(mission(workspace={"git": git}, artifact={"pvc": pvc}))
    await world.settle()
    found: dict[str, dict[str, Any]] = {k.kind: b["spec"]["template"] for k, b in world.objects.items() if k.kind in ("StatefulSet", "Job")}  # fmt: skip
    assert set(found) == {"StatefulSet", "Job"}
    return found


def containers(template: dict[str, Any]) -> list[dict[str, Any]]:
    spec = template["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


async def test_a_mission_s_pods_have_a_user_of_their_own_in_the_common_group(world: World) -> None:
    found = await templates(world)
    team, work = (found[kind]["spec"]["securityContext"] for kind in ("StatefulSet", "Job"))
    assert team["runAsUser"] == names.USER
    assert names.FIRST_USER <= work["runAsUser"] < names.FIRST_USER + names.USERS < names.USER
    assert {team["fsGroup"], work["fsGroup"], work["runAsGroup"]} == {names.USER}
    assert names.mission_user("one") != names.mission_user("another")


@pytest.mark.parametrize("kind", ["StatefulSet", "Job"])
async def test_a_pod_meets_the_restricted_level(world: World, kind: str) -> None:
    template = (await templates(world))[kind]
    pod = template["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    kinds = {next(name for name in each if name != "name") for each in pod["volumes"]}
    assert kinds <= {"configMap", "emptyDir", "projected", "persistentVolumeClaim"}
    for each in containers(template):
        security = each["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert set(each["resources"]["requests"]) >= {"cpu", "memory"}


def keys_of(template: dict[str, Any], container: str) -> set[str]:
    """Secret keys that a container can read."""
    volumes = {each["name"]: each for each in template["spec"]["volumes"]}
    (mounts,) = [each["volumeMounts"] for each in containers(template) if each["name"] == container]
    return {
        item["key"]
        for mount in mounts
        for source in volumes[mount["name"]].get("projected", {}).get("sources", [])
        for item in source["secret"]["items"]
    }


async def test_each_container_reads_its_own_keys_only(world: World) -> None:
    made = await templates(world)
    team, job = made["StatefulSet"], made["Job"]
    assert keys_of(team, "agent-sapper") == {"sapper.key", "sapper.pub", "broker.pub"}
    public = {"broker.pub", "conductor.pub", "sapper.pub", "auditor.pub"}
    assert keys_of(team, "broker") == {"broker.key", *public}
    assert keys_of(team, "router") == {"key"}
    assert keys_of(team, "engines") == set()
    assert keys_of(job, "workspace") == set()
    assert keys_of(job, "conductor") == {"conductor.key", "conductor.pub", "broker.pub", "key"}


async def test_the_workspace_knows_nothing(world: World) -> None:
    (workspace, conductor) = containers((await templates(world))["Job"])
    assert workspace["restartPolicy"] == "Always"
    assert "env" not in workspace
    assert "envFrom" not in workspace
    assert {each["name"] for each in conductor["env"]} >= {"HEKATON_HOME", "HEKATON_KEY_GIT"}
    assert conductor["envFrom"] == [{"secretRef": {"name": "hekaton-database"}}]
    assert "/artifact/here" in conductor["command"]


async def test_api_keys_reach_the_router_alone(world: World) -> None:
    template = (await templates(world))["StatefulSet"]
    secret = [
        each["name"] for each in containers(template) if "secretKeyRef" in str(each.get("env"))
    ]
    assert secret == ["router"]
    (router,) = [each for each in containers(template) if each["name"] == "router"]
    assert "HEKATON_KEY_API" in [each["name"] for each in router["env"]]


async def test_a_gpu_is_asked_for_by_the_engines_alone(world: World) -> None:
    template = (await templates(world))["StatefulSet"]
    asked = {each["name"]: each["resources"].get("limits") for each in containers(template)}
    assert asked.pop("engines") == {"nvidia.com/gpu": "1"}
    assert set(asked.values()) == {None}


async def test_ports_and_health_follow_the_contract(world: World) -> None:
    template = (await templates(world))["StatefulSet"]
    health = {c["name"]: c["readinessProbe"]["httpGet"]["port"] for c in containers(template)}
    assert health == {
        "engines": 9100, "router": 9101, "broker": 9102, "agent-sapper": 9110, "agent-auditor": 9111,
    }  # fmt: skip


async def test_the_formation_s_images_go_before_the_operator_s(world: World) -> None:
    world.user(formation(pod={"images": {"runtime": "mine:2"}}))
    await world.settle()
    body = next(b for k, b in world.objects.items() if k.kind == "StatefulSet")
    assert {each["image"] for each in containers(body["spec"]["template"])} == {"mine:2"}


def test_engines_of_the_node_are_mounted_only_where_asked_for() -> None:
    model = {"name": "m", "engine": "vllm", "model": "/opt/engines/tiny"}
    body = formation(models=[model])
    spec = FormationSpec.model_validate(body["spec"], by_alias=True, by_name=False)
    plain = Team("crew", "crew-1", spec, IMAGES, "d")
    at = "/opt/engines"
    given = replace(plain, images=replace(IMAGES, engines_host_path=at, vllm=f"{at}/bin/vllm"))
    assert "hostPath" not in str(template(plain))
    assert {"name": "host", "hostPath": {"path": at, "type": "Directory"}} in template(given)[
        "spec"
    ]["volumes"]
    (engines, *_) = containers(template(given))
    assert {"name": "HEKATON_VLLM", "value": f"{at}/bin/vllm"} in engines["env"]
