"""The objects that work on a mission: its papers, its Job, its report. Pure."""

from dataclasses import dataclass, replace
from typing import Any

from hekaton_api.formation import FormationSpec
from hekaton_api.meta import ObjectMeta
from hekaton_api.mission import Budget, Mission, MissionSpec
from hekaton_api.units import dollars
from hekaton_operator import names
from hekaton_operator.containers import pod_security, volume, written
from hekaton_operator.manifest import Manifest, manifest, owner_of
from hekaton_operator.mission.document import document
from hekaton_operator.mission.pod import Work, containers, volumes
from hekaton_operator.objects import Key, Meta
from hekaton_operator.settings import Images

FAILED_FOR_GOOD = (1, 2, 3)
"""Exit codes of the conductor that another pod would only repeat: failed, bad input, stopped."""
GRACE = 10
"""Seconds in which a conductor stops resumable."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One fresh start of a mission."""

    meta: Meta
    spec: MissionSpec
    team: str
    """Name of the formation."""
    number: int
    images: Images

    @property
    def name(self) -> str:
        return names.attempt_name(self.meta.name, self.meta.uid, self.number)

    @property
    def id(self) -> str:
        return names.attempt_id(self.meta.uid, self.number)


def config_map(attempt: Attempt, formation: str, left: Budget) -> Manifest:
    """What the conductor works on: never changed, so that a restart meets the same words.

    `formation` is the formation's own document, made once a generation.
    """
    meta = attempt.meta
    spec = attempt.spec.model_copy(update={"budget": left})
    mission = Mission(
        api_version="hekaton.dev/v1alpha1",
        kind="Mission",
        metadata=ObjectMeta(name=meta.name, namespace=meta.namespace),
        spec=spec,
    )
    words = mission.model_dump(mode="json", by_alias=True, exclude_none=True)
    data = {"mission.yaml": document(words), "formation.yaml": formation}
    return _child(
        attempt, Key("ConfigMap", meta.namespace, attempt.name), immutable=True, data=data
    )


def remaining(budget: Budget, spent: tuple[int, int]) -> Budget | None:
    """What earlier attempts left of a budget; None where they left nothing."""
    tokens, micros = budget.tokens - spent[0], budget.usd_micros - spent[1]
    if tokens < 1 or micros < 1:
        return None
    return budget.model_copy(update={"tokens": tokens, "usd": dollars(micros)})


def job(attempt: Attempt, formation: FormationSpec, replica: str) -> Manifest:
    work = Work(
        attempt.meta, attempt.spec, formation, attempt.team, attempt.name, attempt.id, replica,
        attempt.images,
    )  # fmt: skip
    policy = attempt.images.pull_policy
    first, rest = containers(work)
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "serviceAccountName": names.MISSION_SHARED,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE,
        "securityContext": dict(pod_security(names.mission_user(attempt.meta.uid))),
        "initContainers": [written(first, policy)],
        "containers": [written(rest, policy)],
        "volumes": [volume(each) for each in volumes(work)],
    }
    codes = {"containerName": rest.name, "operator": "In", "values": list(FAILED_FOR_GOOD)}
    lost = [{"type": "DisruptionTarget", "status": "True"}]
    spec = {
        "backoffLimit": 6,
        "suspend": False,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [
                {"action": "FailJob", "onExitCodes": codes},
                {"action": "Ignore", "onPodConditions": lost},
            ]
        },
        "template": {
            "metadata": {"labels": dict(names.mission_labels(attempt.meta.name, attempt.team))},
            "spec": pod,
        },
    }
    marks = {names.ATTEMPT: str(attempt.number), names.REPLICA: replica}
    return _child(attempt, Key("Job", attempt.meta.namespace, attempt.name), marks, spec=spec)


def report(attempt: Attempt) -> Manifest:
    """The ConfigMap of a mission's papers, still empty."""
    meta = attempt.meta
    return _child(attempt, Key("ConfigMap", meta.namespace, names.report_name(meta.name)))


def _child(
    attempt: Attempt, key: Key, marks: dict[str, str] | None = None, **fields: Any
) -> Manifest:
    labels = {**names.mission_labels(attempt.meta.name, attempt.team), **(marks or {})}
    return replace(manifest(key, labels, owner_of("Mission", attempt.meta), **fields), once=True)
