"""What the hardware of a formation does to its pods: a shared claim on the GPUs (DRA), and Grace's arm64."""

from typing import Any

import pytest
from operator_world import IMAGES, SPACE, World, crew_pods, formation

from hekaton_api.formation import FormationSpec
from hekaton_operator.errors import Refused
from hekaton_operator.formation.pod import Team, template
from hekaton_operator.objects import Key

MODELS = [
    {"name": "small", "engine": "vllm", "model": "Qwen/Qwen2.5-0.5B-Instruct"},
    {"name": "code", "engine": "sglang", "model": "Qwen/Qwen2.5-Coder-0.5B-Instruct"},
    {"name": "far", "engine": "external", "endpoint": "http://x:1/v1"},
]
ROLES = [
    {"name": "sapper", "role": "sapper", "model": "code"},
    {"name": "auditor", "role": "auditor", "model": "far"},
]


def sharing(device_class: str | None = "gpu.nvidia.com", gpus: int = 1) -> dict[str, Any]:
    hardware: dict[str, Any] = {"profile": "gh200-96", "gpus": gpus}
    if device_class:
        hardware["deviceClass"] = device_class
    return formation(models=MODELS, roles=ROLES, hardware=hardware)


def pod_of(body: dict[str, Any]) -> dict[str, Any]:
    spec = FormationSpec.model_validate(body["spec"])
    found: dict[str, Any] = template(Team("crew", "crew-1", spec, IMAGES, "d"))["spec"]
    return found


def engines(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in pod["containers"] if each["name"].startswith("engine")]


def test_without_a_device_class_all_engines_share_a_container_and_a_plain_gpu() -> None:
    pod = pod_of(sharing(None))
    (only,) = engines(pod)
    assert only["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert "resourceClaims" not in pod
    assert "--model" not in only["command"]


def test_with_one_each_local_model_has_a_container_and_all_use_the_same_claim() -> None:
    pod = pod_of(sharing())
    assert [each["name"] for each in engines(pod)] == ["engine-small", "engine-code"]
    for each in engines(pod):
        assert each["resources"]["claims"] == [{"name": "gpus"}]
        assert "limits" not in each["resources"]
    assert pod["resourceClaims"] == [{"name": "gpus", "resourceClaimTemplateName": "crew-1"}]


def test_each_of_them_serves_its_own_model_and_answers_at_a_port_of_its_own() -> None:
    containers = engines(pod_of(sharing()))
    served = [each["command"][each["command"].index("--model") + 1] for each in containers]
    assert served == ["small", "code"]
    ports = [each["readinessProbe"]["httpGet"]["port"] for each in containers]
    assert ports == [9200, 9201]
    for each, port in zip(containers, ports, strict=True):
        assert each["command"][each["command"].index("--health-port") + 1] == str(port)


async def test_the_claim_is_made_from_a_template_of_the_revision(world: World) -> None:
    world.user(sharing(gpus=2))
    await world.settle()
    (key,) = [key for key in world.objects if key.kind == "ResourceClaimTemplate"]
    (sets,) = [key for key in world.objects if key.kind == "StatefulSet"]
    body = world.objects[key]
    assert body["apiVersion"] == "resource.k8s.io/v1"
    assert body["spec"]["spec"]["devices"]["requests"] == [
        {
            "name": "gpus",
            "exactly": {
                "deviceClassName": "gpu.nvidia.com",
                "allocationMode": "ExactCount",
                "count": 2,
            },
        }
    ]
    pod = world.objects[sets]["spec"]["template"]["spec"]
    assert pod["resourceClaims"][0]["resourceClaimTemplateName"] == key.name == sets.name


async def test_another_device_class_is_another_revision_with_a_template_of_its_own(
    world: World,
) -> None:
    world.user(sharing())
    await world.settle()
    world.user(sharing("mig.nvidia.com"))
    await world.settle()
    (key,) = [key for key in world.objects if key.kind == "ResourceClaimTemplate"]
    (request,) = world.objects[key]["spec"]["spec"]["devices"]["requests"]
    assert request["exactly"]["deviceClassName"] == "mig.nvidia.com"
    assert crew_pods(world)


async def test_it_is_made_once_and_never_written_again(world: World) -> None:
    world.user(sharing())
    await world.settle()
    world.writes.clear()
    world.dispatch.everything()
    await world.settle()
    assert world.writes == []


async def test_a_cluster_without_such_claims_is_told_with_the_remedy(world: World) -> None:
    world.user(sharing())
    await world.settle()
    (key,) = [key for key in world.objects if key.kind == "ResourceClaimTemplate"]
    other = Key("ResourceClaimTemplate", SPACE, key.name)
    world.remove(other)
    world.refusals[other] = Refused("KindUnknown", "The cluster does not serve it. Upgrade it.")
    world.dispatch.everything()
    await world.settle()
    formed = next(key for key in world.objects if key.kind == "Formation")
    stalled = world.condition(formed, "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "KindUnknown")


def test_engines_on_grace_go_to_arm64_nodes_unless_the_formation_says_otherwise() -> None:
    body = sharing()
    assert pod_of(body)["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    body["spec"]["pod"] = {"nodeSelector": {"kubernetes.io/arch": "amd64", "rack": "7"}}
    assert pod_of(body)["nodeSelector"] == {"kubernetes.io/arch": "amd64", "rack": "7"}
    body["spec"]["hardware"]["profile"] = "h200-141"
    del body["spec"]["pod"]
    assert "nodeSelector" not in pod_of(body)


def test_a_device_class_on_a_machine_without_gpus_is_refused() -> None:
    body = sharing()
    body["spec"]["hardware"] = {"profile": "cpu", "deviceClass": "gpu.nvidia.com"}
    with pytest.raises(ValueError, match="means nothing to profile cpu"):
        FormationSpec.model_validate(body["spec"])
