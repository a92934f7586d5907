"""A course of life in which the operator needs every right that it has: no controllers, so this plays them."""

import json
from functools import partial
from typing import Any

from cluster.objects import mission
from cluster.waiting import until
from rights.conftest import Stage, crew, sharing

REVISION = "hekaton.dev/revision"
HASH = "controller-revision-hash"


def course(stage: Stage) -> None:
    """Formations and missions come, change, wait, are in somebody's way, and go."""
    early(stage)
    stage.apply(crew("crew"))
    pods_come(stage)
    taken(stage)
    paused(stage)
    replaced(stage)
    cleaned(stage)
    claimed(stage)


def claimed(stage: Stage) -> None:
    """Engines share a claim; a new revision has another template, and the old one goes. The last
    change goes back to the first revision, which is in the history still."""
    for kind in ("gpu.example.com", "mig.example.com", "gpu.example.com"):
        stage.apply(sharing("many", kind))
        until(partial(templated, stage, kind))


def templated(stage: Stage, kind: str) -> str:
    """What is wrong with the claim templates: there shall be one, for this class of devices."""
    found = [
        request["exactly"]["deviceClassName"]
        for each in stage.listed("resourceclaimtemplates")
        for request in each["spec"]["spec"]["devices"]["requests"]
    ]
    return "" if found == [kind] else f"{found}, not {kind!r} alone"


def early(stage: Stage) -> None:
    """A mission before its formation; somebody else has an object of its Job's name."""
    stage.apply(mission("early", "crew"))
    until(lambda: expected(stage, "mission/early", "Admitted", "False FormationMissing"))
    uid = stage.kubectl("get", "mission", "early", "-o", "jsonpath={.metadata.uid}")
    body = {"name": "c", "image": "localhost/none:1"}
    template = {"spec": {"restartPolicy": "Never", "containers": [body]}}
    stage.apply(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": f"early-{uid[:8]}"},
            "spec": {"template": template},
        }
    )


def pods_come(stage: Stage) -> None:
    """Plays the StatefulSet's controller and a kubelet."""
    until(lambda: "" if fresh(stage) else "no StatefulSet that has no pod")
    made = fresh(stage)[0]
    name, generation = made["metadata"]["name"], made["metadata"]["generation"]
    digest = f"{name}-1"
    seen = {"observedGeneration": generation, "updateRevision": digest, "replicas": 1}
    status(stage, f"statefulset/{name}", seen)
    template = made["spec"]["template"]
    labels = {**template["metadata"]["labels"], HASH: digest}
    spec = {"containers": [{"name": "c", "image": "localhost/none:1"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"{name}-0", "labels": labels}}
    stage.kubectl("create", "serviceaccount", "default") if not has_account(stage) else None
    stage.apply({**pod, "spec": spec})
    ready = [{"type": "Ready", "status": "True"}]
    status(stage, f"pod/{name}-0", {"phase": "Running", "conditions": ready})
    until(lambda: expected(stage, "formation/crew", "Ready", "True PodsReady"))


def has_account(stage: Stage) -> bool:
    return any(each["metadata"]["name"] == "default" for each in stage.listed("serviceaccounts"))


def fresh(stage: Stage) -> list[dict[str, Any]]:
    """StatefulSets that nobody has looked at."""
    sets = stage.listed("statefulsets")
    return [each for each in sets if "updateRevision" not in each.get("status", {})]


def status(stage: Stage, what: str, body: dict[str, Any]) -> None:
    change = json.dumps({"status": body})
    stage.kubectl("patch", what, "--subresource=status", "--type=merge", "-p", change)


def taken(stage: Stage) -> None:
    """The name of a Job is taken; then it is free, and the mission is begun."""
    until(lambda: expected(stage, "mission/early", "Running", "False NameTaken"))
    uid = stage.kubectl("get", "mission", "early", "-o", "jsonpath={.metadata.uid}")
    stage.kubectl("delete", "job", f"early-{uid[:8]}")
    stage.kubectl("delete", "mission", "early")


def paused(stage: Stage) -> None:
    """A mission is begun, stopped and taken up again."""
    stage.apply(mission("job", "crew"))
    until(lambda: expected(stage, "mission/job", "Admitted", "True Admitted"))
    for wish in (True, False):
        change = json.dumps({"spec": {"suspend": wish}})
        stage.kubectl("patch", "mission", "job", "--type=merge", "-p", change)
        until(partial(suspended, stage, wish))


def suspended(stage: Stage, wish: bool) -> str:
    said = stage.kubectl("get", "jobs", "-o", "jsonpath={.items[0].spec.suspend}")
    return "" if said == str(wish).lower() else f"suspend is {said!r}"


def replaced(stage: Stage) -> None:
    """A new revision takes over at once, and the old one is forgotten; the mission's Job is made anew."""
    old = {each["metadata"]["uid"] for each in stage.listed("jobs")}
    stage.kubectl("delete", "pods", "--all")
    stage.apply(crew("crew", "sapper", "auditor", "analyst"))
    pods_come(stage)
    until(
        lambda: "" if not old & {e["metadata"]["uid"] for e in stage.listed("jobs")} else "old Job"
    )
    stage.kubectl("annotate", "formation", "crew", "hekaton.dev/rotate=now")


def cleaned(stage: Stage) -> None:
    """One mission ends and is removed by its time to live; the last one leaves nothing shared."""
    short = mission("short", "crew", suspend=True, cancel=True, ttlAfterFinished="1s")
    stage.apply(short)
    until(lambda: stage.kubectl("get", "mission", "short", "--ignore-not-found"))
    stage.kubectl("delete", "mission", "--all")
    until(lambda: stage.kubectl("get", "networkpolicy", "hekaton-mission", "--ignore-not-found"))
    until(lambda: stage.kubectl("get", "secret", "hekaton-database", "--ignore-not-found"))


def expected(stage: Stage, what: str, kind: str, wanted: str) -> str:
    said = stage.condition(what, kind)
    return "" if said == wanted else f"{what}: {kind} is {said!r}, not {wanted!r}"
