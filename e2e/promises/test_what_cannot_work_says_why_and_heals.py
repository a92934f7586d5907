"""What cannot work is told by a true condition with its remedy, and heals when the cause goes."""

import json

from cluster.waiting import until
from promises.kubectl import Namespace
from promises.missions import formation, mission

ENDPOINT = "http://simulated-models:8000/v1"


def expect(
    space: Namespace, kind: str, name: str, wanted: str, reason: str, seconds: float = 60
) -> str:
    """Until a condition has this reason and is not True; its message."""

    def other() -> str:
        found = space.condition(kind, name, wanted)
        same = found.get("reason") == reason and found.get("status") != "True"
        return "" if same else f"{kind} {name}: {wanted} is {json.dumps(found)}, not {reason}"

    until(other, seconds)
    message: str = space.condition(kind, name, wanted)["message"]
    return message


def test_a_formation_beyond_its_memory_is_refused_with_the_nearest_remedy(space: Namespace) -> None:
    text = """\
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {name: too-large}
spec:
  hardware: {profile: gh200-96}
  models:
    - {name: big, engine: vllm, model: Qwen/Qwen2.5-72B-Instruct, contextLength: 32768}
  roles:
    - {name: sapper, role: sapper, model: big}
"""
    space.apply_text(text)
    assert "GB" in expect(space, "formation", "too-large", "VRAMFits", "OverBudget")
    assert space.condition("formation", "too-large", "Ready")["status"] == "False"
    assert not space.listed("statefulsets", "hekaton.dev/formation=too-large")
    space.apply_text(text.replace("Qwen2.5-72B-Instruct,", "Qwen2.5-7B-Instruct,"))
    until(
        lambda: (
            ""
            if space.condition("formation", "too-large", "VRAMFits")["status"] == "True"
            else "no"
        ),
        30,
    )


def test_a_mission_without_its_formation_waits_and_runs_when_it_comes(space: Namespace) -> None:
    space.apply_text(mission("early", "late"))
    said = expect(space, "mission", "early", "Admitted", "FormationMissing")
    assert "late" in said
    space.apply("manifests/simulated")
    space.apply_text(formation("late", ENDPOINT))
    space.wait("mission", "early", "Running", 180)


def test_a_missing_secret_is_named_and_healed_by_its_coming(space: Namespace) -> None:
    space.apply("manifests/simulated")
    text = formation("keyed", ENDPOINT).replace(
        "contextLength: 32768}",
        "contextLength: 32768,\n       credentials: {secretKeyRef: {name: model-key, key: key}}}",
    )
    space.apply_text(text)
    assert "model-key" in expect(space, "formation", "keyed", "Ready", "SecretMissing")
    space.kubectl("create", "secret", "generic", "model-key", "--from-literal=key=k")
    space.wait("formation", "keyed", "Ready", 180)


def test_a_wrong_image_is_named_and_healed(space: Namespace) -> None:
    space.apply("manifests/simulated")
    wrong = formation("imaged", ENDPOINT, pod='{images: {runtime: "localhost/none:at-all"}}')
    space.apply_text(wrong)
    assert "localhost/none:at-all" in expect(
        space, "formation", "imaged", "Ready", "ImagePullFailed", 90
    )
    space.apply_text(formation("imaged", ENDPOINT))
    space.wait("formation", "imaged", "Ready", 180)


def test_an_unschedulable_pod_is_told_with_the_scheduler_s_reason(space: Namespace) -> None:
    space.apply("manifests/simulated")
    nowhere = formation("nowhere", ENDPOINT, pod="{nodeSelector: {example.com/gpu: none}}")
    space.apply_text(nowhere)
    expect(space, "formation", "nowhere", "Ready", "PodUnschedulable", 90)
    events = space.kubectl("get", "events", "--field-selector", "involvedObject.name=nowhere")
    assert "PodUnschedulable" in events
    space.apply_text(formation("nowhere", ENDPOINT))
    space.wait("formation", "nowhere", "Ready", 180)
