"""What is the matter with pods, and what a person can do about it. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hekaton_operator.names import REVISION
from hekaton_operator.objects import Body, labels_of

PULLING = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
NO_SECRET = re.compile(r'secret "([^"]+)" not found')
NO_KEY = re.compile(r"couldn't find key (\S+) in Secret (\S+?)\.?$")
UPDATE_HASH = "controller-revision-hash"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why pods do not run, in a form for conditions and events."""

    reason: str
    message: str
    """What is wrong, and the remedy."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A container that does not run."""

    container: str
    image: str
    reason: str
    message: str
    exit_code: int | None = None
    """Of its last run, where it ran."""


@dataclass(frozen=True, slots=True)
class Pod:
    """The part of a pod that decisions are made of."""

    name: str
    uid: str
    revision: str
    template: str
    """Hash of the StatefulSet's template that it was made from."""
    ready: bool
    phase: str
    deleting: bool
    unschedulable: str
    """The scheduler's words; empty while it has not given up."""
    waiting: tuple[Waiting, ...]
    ended: tuple[Waiting, ...]
    """Containers that ended with an error."""


def pod_of(body: Body) -> Pod:
    status, meta = body.get("status") or {}, body["metadata"]
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    placed = conditions.get("PodScheduled", {})
    stuck = placed.get("status") == "False" and placed.get("reason") == "Unschedulable"
    containers = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    return Pod(
        name=meta["name"],
        uid=meta.get("uid", ""),
        revision=labels_of(body).get(REVISION, ""),
        template=labels_of(body).get(UPDATE_HASH, ""),
        ready=conditions.get("Ready", {}).get("status") == "True",
        phase=status.get("phase", ""),
        deleting="deletionTimestamp" in meta,
        unschedulable=placed.get("message", "no node takes it") if stuck else "",
        waiting=tuple(_waiting(containers)),
        ended=tuple(_ended(containers)),
    )


def _waiting(containers: Iterable[Body]) -> Iterator[Waiting]:
    for each in containers:
        held = (each.get("state") or {}).get("waiting")
        last = (each.get("lastState") or {}).get("terminated") or {}
        if held:
            yield Waiting(
                each["name"],
                each.get("image", ""),
                held.get("reason", ""),
                # What it said itself, before what the kubelet says of waiting.
                _last_line(last.get("message", "")) or held.get("message", ""),
                last.get("exitCode"),
            )


def _last_line(message: str) -> str:
    """A crash tells its reason last."""
    lines = message.strip().splitlines()
    return lines[-1] if lines else ""


def _ended(containers: Iterable[Body]) -> Iterator[Waiting]:
    for each in containers:
        over = (each.get("state") or {}).get("terminated")
        if over and over.get("exitCode", 0):
            yield Waiting(
                each["name"],
                each.get("image", ""),
                over.get("reason", ""),
                over.get("message", ""),
                over["exitCode"],
            )


def trouble(pods: Iterable[Pod]) -> Trouble | None:
    """What stands in the way, the worst first: a pod that has no node tells nothing else."""
    living = [pod for pod in pods if not pod.deleting]
    for pod in living:
        if pod.unschedulable:
            return Trouble(
                "PodUnschedulable",
                f"Pod {pod.name} finds no node: {pod.unschedulable.rstrip('.')}. Add a node that has what"
                " it asks for, or change spec.pod (nodeSelector, tolerations) or spec.hardware of the formation.",
            )
    found = [told for pod in living for each in pod.waiting if (told := _told(pod, each))]
    return found[0] if found else None


def _told(pod: Pod, held: Waiting) -> Trouble | None:
    where = f"container {held.container} of pod {pod.name}"
    if held.reason in PULLING:
        return Trouble(
            "ImagePullFailed",
            f"Image {held.image!r} of {where} cannot be had ({held.reason}): {_short(held.message)}."
            " Correct spec.pod.images of the formation or the operator's images, or make it pullable.",
        )
    if held.reason in ("CreateContainerConfigError", "CreateContainerError"):
        return _misconfigured(where, held)
    if held.reason == "CrashLoopBackOff":
        code = "" if held.exit_code is None else f" with exit code {held.exit_code}"
        return Trouble(
            "ContainerCrashing",
            f"The {where} ends{code} again and again: {_short(held.message)}."
            f" Read kubectl logs {pod.name} -c {held.container} --previous.",
        )
    return None


def _misconfigured(where: str, held: Waiting) -> Trouble:
    if missing := NO_SECRET.search(held.message):
        name = missing[1]
        return Trouble(
            "SecretMissing",
            f"Secret {name!r} for {where} does not exist. Create it:"
            f" kubectl create secret generic {name} --from-literal=KEY=...",
        )
    if missing := NO_KEY.search(held.message):
        return Trouble(
            "SecretMissing",
            f"Secret {missing[2].rpartition('/')[2]!r} for {where} has no key {missing[1]!r}. Add the key, or name another in"
            " credentials.secretKeyRef.",
        )
    return Trouble(
        "ContainerRefused",
        f"The {where} cannot be made: {_short(held.message)}. Correct what it names.",
    )


def _short(message: str) -> str:
    """The first line of a message, without its full stop."""
    line = message.strip().splitlines()[0] if message.strip() else "no reason given"
    return line[:300].rstrip(". ")
