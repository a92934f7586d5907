"""What GitOps tools make of our statuses: Argo CD by its Lua, run here, and whoever goes by kstatus (Flux).

The statuses are those that the operator writes, in a cluster in memory; and, for what it never
writes, made up.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from lupa import lua51
from operator_world import SPACE, World, crew_pods, formation, mission
from ruamel.yaml import YAML

from hekaton_operator.objects import Key
from hekaton_operator.progress import Progress

CUSTOM = Path(__file__).resolve().parents[2] / "manifests" / "gitops" / "argocd" / "argocd-cm.yaml"
Object = dict[str, Any]
Health = Callable[[Object], str]


@pytest.fixture(scope="module")
def argo() -> Health:
    """Argo CD's judgement: the script of the object's kind, as it stands in the ConfigMap."""
    data = YAML(typ="safe", pure=True).load(CUSTOM.read_text())["data"]
    lua = lua51.LuaRuntime()

    def judged(body: Object) -> str:
        script = data[f"resource.customizations.health.hekaton.dev_{body['kind']}"]
        lua.globals().obj = as_lua(lua, body)
        found = lua.execute(script)
        assert isinstance(found["message"], str)
        return str(found["status"])

    return judged


def as_lua(lua: Any, value: Any) -> Any:
    """The object as tables, all the way down; numbers are floats, as Argo CD has them."""
    if isinstance(value, Mapping):
        return lua.table_from({name: as_lua(lua, each) for name, each in value.items()})
    if isinstance(value, list | tuple):
        return lua.table_from([as_lua(lua, each) for each in value])
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def kstatus(body: Object) -> str:
    """The published rules of sigs.k8s.io/cli-utils/pkg/kstatus for a kind that it does not know."""
    meta, status = body["metadata"], body.get("status") or {}
    if "deletionTimestamp" in meta:
        return "Terminating"
    seen = status.get("observedGeneration")
    if seen is not None and seen != meta["generation"]:
        return "InProgress"
    conditions = status.get("conditions", ())
    for each in conditions:
        if each["status"] == "True" and each["type"] in ("Reconciling", "Stalled"):
            return "InProgress" if each["type"] == "Reconciling" else "Failed"
    ready = next((each["status"] for each in conditions if each["type"] == "Ready"), "True")
    return "Current" if ready == "True" else "InProgress"


def claimed(kind: str, *claims: tuple[str, str, str], generation: int = 3, seen: int = 3) -> Object:
    """An object with these conditions: type, status, reason."""
    conditions = [
        {"type": name, "status": status, "reason": reason, "observedGeneration": seen}
        for name, status, reason in claims
    ]
    status = {"observedGeneration": seen, "conditions": conditions}
    return {"kind": kind, "metadata": {"generation": generation}, "status": status}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.queue.close()


@pytest.fixture
async def crew(world: World) -> Key:
    """A formation with one ready replica."""
    key = world.user(formation())
    await ready(world)
    return key


async def ready(world: World) -> None:
    await world.settle()
    for pod in crew_pods(world):
        world.pod_ready(pod)
    await world.settle()


@pytest.mark.parametrize("kind", ["Formation", "Mission"])
@pytest.mark.parametrize("status", [None, {}, {"observedGeneration": -1}], ids=str)
def test_what_nobody_has_looked_at_progresses(
    argo: Health, kind: str, status: Object | None
) -> None:
    body: Object = {"kind": kind, "metadata": {"generation": 1}}
    assert argo(body if status is None else {**body, "status": status}) == "Progressing"


@pytest.mark.parametrize(
    ("kind", "claim"),
    [
        ("Formation", ("Ready", "True", "PodsReady")),
        ("Formation", ("Stalled", "True", "OverBudget")),
        ("Mission", ("Admitted", "False", "FormationUnfit")),
    ],
)
def test_what_was_said_of_an_older_generation_counts_for_nothing(
    argo: Health, kind: str, claim: tuple[str, str, str]
) -> None:
    stale = claimed(kind, claim, generation=4)
    assert argo(stale) == "Progressing"
    assert kstatus(stale) == "InProgress"


def test_a_condition_of_an_older_generation_counts_for_nothing(argo: Health) -> None:
    body = claimed("Formation", ("Ready", "True", "PodsReady"), seen=3)
    body["status"]["conditions"][0]["observedGeneration"] = 2
    assert argo(body) == "Progressing"


FORMATIONS = {
    ("True", "PodsReady"): "Healthy",
    ("Unknown", "PodsReady"): "Progressing",
    ("False", "PodsNotReady"): "Progressing",
    ("False", "Updating"): "Progressing",
    ("False", "AtRest"): "Suspended",
    ("False", "PodUnschedulable"): "Degraded",
    ("False", "ImagePullFailed"): "Degraded",
    ("False", "ContainerCrashing"): "Degraded",
    ("False", "SecretMissing"): "Degraded",
}


@pytest.mark.parametrize(("claim", "health"), FORMATIONS.items(), ids=lambda each: str(each))
def test_ready_says_how_a_formation_is(argo: Health, claim: tuple[str, str], health: str) -> None:
    assert argo(claimed("Formation", ("Ready", *claim))) == health


MISSIONS = {
    ("Succeeded", "True", "AcceptancePassed"): "Healthy",
    ("Failed", "True", "AcceptanceFailed"): "Degraded",
    ("BudgetExhausted", "True", "Tokens"): "Degraded",
    ("Cancelled", "True", "Cancelled"): "Suspended",
    ("Cancelled", "Unknown", "Cancelling"): "Progressing",
    ("Admitted", "False", "Queued"): "Progressing",
    ("Admitted", "False", "FormationMissing"): "Progressing",
    ("Admitted", "False", "BudgetExceeded"): "Progressing",
    ("Admitted", "False", "FormationNotReady"): "Progressing",
    ("Admitted", "False", "TenantRoleRefused"): "Degraded",
    ("Admitted", "False", "Forbidden"): "Degraded",
    ("Admitted", "False", "NameTaken"): "Degraded",
    ("Admitted", "False", "Suspended"): "Suspended",
    ("Admitted", "False", "SpecInvalid"): "Degraded",
    ("Admitted", "False", "FormationUnfit"): "Degraded",
    ("Admitted", "True", "Admitted"): "Progressing",
    ("Admitted", "Unknown", "Admitted"): "Progressing",
}


@pytest.mark.parametrize(("claim", "health"), MISSIONS.items(), ids=lambda each: str(each))
def test_one_condition_says_how_a_mission_is(
    argo: Health, claim: tuple[str, str, str], health: str
) -> None:
    assert argo(claimed("Mission", claim)) == health


RUNNING = {
    ("True", "Working"): "Progressing",
    ("False", "Starting"): "Progressing",
    ("False", "Resuming"): "Progressing",
    ("False", "ImagePullFailed"): "Degraded",
    ("False", "PodUnschedulable"): "Degraded",
}


@pytest.mark.parametrize(("claim", "health"), RUNNING.items(), ids=lambda each: str(each))
def test_a_mission_that_was_admitted_is_as_its_pod(
    argo: Health, claim: tuple[str, str], health: str
) -> None:
    body = claimed("Mission", ("Admitted", "True", "Admitted"), ("Running", *claim))
    assert argo(body) == health


def test_an_end_is_for_good_whatever_was_changed_afterwards(argo: Health) -> None:
    body = claimed("Mission", ("Succeeded", "True", "AcceptancePassed"), generation=4)
    assert argo(body) == "Healthy"


async def test_a_formation_is_told_truly_from_its_first_pod_to_its_next_revision(
    world: World, argo: Health
) -> None:
    key = world.user(formation())
    await world.settle()
    assert (argo(world.objects[key]), kstatus(world.objects[key])) == ("Progressing", "InProgress")
    await ready(world)
    assert (argo(world.objects[key]), kstatus(world.objects[key])) == ("Healthy", "Current")
    roles = [
        {"name": name, "role": name, "model": "m"} for name in ("sapper", "auditor", "analyst")
    ]
    world.user(formation(roles=roles))
    assert (argo(world.objects[key]), kstatus(world.objects[key])) == ("Progressing", "InProgress")
    await world.settle()
    assert (argo(world.objects[key]), kstatus(world.objects[key])) == ("Progressing", "InProgress")
    await ready(world)
    assert (argo(world.objects[key]), kstatus(world.objects[key])) == ("Healthy", "Current")


async def test_a_formation_that_needs_a_person_has_failed(world: World, argo: Health) -> None:
    model = {"name": "m", "engine": "api", "apiModel": "x/y", "credentials": {"env": "KEY"}}
    key = world.user(formation(models=[model]))
    await world.settle()
    assert (argo(world.objects[key]), kstatus(world.objects[key])) == ("Degraded", "Failed")


async def test_a_formation_scaled_to_nothing_rests(world: World, crew: Key, argo: Health) -> None:
    world.user(formation(replicas=0))
    await world.settle()
    assert argo(world.objects[crew]) == "Suspended"


async def test_the_old_spec_brings_the_old_revision_back(world: World, crew: Key) -> None:
    first = world.status(crew)["revisions"]["current"]
    roles = [
        {"name": name, "role": name, "model": "m"} for name in ("sapper", "auditor", "analyst")
    ]
    world.user(formation(roles=roles))
    await ready(world)
    second = world.status(crew)["revisions"]["current"]
    world.user(formation())
    await ready(world)
    assert second != first
    assert world.status(crew)["revisions"] == {"current": first}


async def test_a_mission_is_told_truly_from_queue_to_end(
    world: World, crew: Key, argo: Health
) -> None:
    key = world.user(mission())
    await world.settle()
    assert argo(world.objects[key]) == "Progressing"
    row = Progress(world.objects[key]["metadata"]["uid"], "passed", "acceptance passed")
    world.row_is(row)
    await world.settle()
    assert (argo(world.objects[key]), kstatus(world.objects[key])) == ("Healthy", "Current")


async def test_an_end_speaks_of_the_generation_that_came_after_it(world: World, crew: Key) -> None:
    key = world.user(mission())
    await world.settle()
    world.row_is(Progress(world.objects[key]["metadata"]["uid"], "passed", "acceptance passed"))
    await world.settle()
    since = world.condition(key, "Succeeded")["lastTransitionTime"]
    world.user(mission(priority=7))
    await world.settle()
    assert kstatus(world.objects[key]) == "Current"
    assert world.condition(key, "Succeeded")["observedGeneration"] == 2
    assert world.condition(key, "Succeeded")["lastTransitionTime"] == since


async def test_a_mission_that_waits_for_its_formation_progresses(
    world: World, argo: Health
) -> None:
    key = world.user(mission())
    await world.settle()
    assert world.condition(key, "Admitted")["reason"] == "FormationMissing"
    assert argo(world.objects[key]) == "Progressing"
    assert key.namespace == SPACE
