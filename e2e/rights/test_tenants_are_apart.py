"""Somebody with every right of an editor in one namespace cannot reach, read, spend or starve another's.

Each test is an attempt. Those on the database are in tests/hekaton_runtime/store/test_tenants.py: here is none.
"""

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cluster.objects import Object, mission, together
from cluster.use import Cluster, Said
from cluster.waiting import until
from rights.conftest import TEAM, Stage, crew, installed

OTHER = "team-b"
ANNA = "--as=anna"


@pytest.fixture(scope="module")
def stage(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Anna edits team-a, where she may read Secrets as well; both teams have a formation."""
    folder: Path = tmp_path_factory.mktemp("operator")
    with installed(server, folder, "") as made:
        server.kubectl("create", "namespace", OTHER)
        bound = ("--clusterrole=hekaton-edit", "--user=anna")
        made.kubectl("create", "rolebinding", "anna", *bound)
        made.kubectl("create", "role", "all", "--verb=*", "--resource=secrets,pods,jobs.batch")
        made.kubectl("create", "rolebinding", "anna-all", "--role=all", "--user=anna")
        made.apply(crew("crew"))
        apply(server, OTHER, crew("crew"), mission("theirs", "crew"))
        for space in (TEAM, OTHER):
            until(partial(missing, server, space))
        yield made
        server.kubectl("-n", OTHER, "delete", "formations,missions", "--all")


def apply(cluster: Cluster, space: str, *objects: Object, who: str = "") -> Said:
    words = ("-n", space, "apply", "--server-side", "-f", "-", *([who] if who else []))
    return cluster.run("kubectl", *words, text=together(*objects))


def missing(cluster: Cluster, space: str) -> str:
    """Which keys of the team are not made yet."""
    names = ("crew-bus", "crew-permits")
    said = cluster.run("kubectl", "-n", space, "get", "secrets", *names)
    return said.error


def secret(cluster: Cluster, space: str, name: str) -> dict[str, str]:
    body = json.loads(cluster.kubectl("-n", space, "get", "secret", name, "-o", "json"))
    found: dict[str, str] = body["data"]
    return found


@pytest.mark.parametrize(
    "words",
    [
        ("get", "formations,missions"),
        ("get", "secret", "crew-bus"),
        ("get", "secret", "crew-permits"),
        ("get", "secret", "hekaton-database"),
        ("patch", "mission", "theirs", "--type=merge", "-p", '{"spec":{"cancel":true}}'),
        ("scale", "formation", "crew", "--replicas=0"),
        ("delete", "formation", "crew"),
    ],
    ids=" ".join,
)
def test_another_namespace_cannot_be_reached(stage: Stage, words: tuple[str, ...]) -> None:
    said = stage.cluster.run("kubectl", "-n", OTHER, *words, ANNA)
    assert said.code != 0
    assert "Forbidden" in said.error


def test_a_mission_cannot_name_a_formation_of_another_namespace(stage: Stage) -> None:
    apply(stage.cluster, OTHER, crew("rich"))
    assert apply(stage.cluster, TEAM, mission("guest", "rich"), who=ANNA).code == 0
    until(lambda: "" if "FormationMissing" in stage.condition("mission/guest", "Admitted") else "?")
    said = apply(stage.cluster, TEAM, mission("path", "team-b/rich"), who=ANNA)
    assert said.code != 0
    assert "spec.formation" in said.error


def test_keys_and_permits_of_two_teams_have_nothing_in_common(stage: Stage) -> None:
    for name in ("crew-bus", "crew-permits"):
        ours, theirs = (secret(stage.cluster, space, name) for space in (TEAM, OTHER))
        assert set(ours) == set(theirs)
        assert not set(ours.values()) & set(theirs.values())


def test_a_pod_with_anothers_labels_does_not_make_it_ready(stage: Stage) -> None:
    """Labels count within a namespace, so a stranger's pod gets no mission of another team."""
    made = json.loads(stage.cluster.kubectl("-n", OTHER, "get", "sts", "-o", "json"))["items"]
    labels = made[0]["spec"]["template"]["metadata"]["labels"]
    stage.cluster.run("kubectl", "-n", TEAM, "create", "serviceaccount", "default")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "spy", "labels": labels}}
    container = {"name": "c", "image": "localhost/none:1"}
    said = apply(stage.cluster, TEAM, {**pod, "spec": {"containers": [container]}}, who=ANNA)
    assert said.code == 0, said.error
    path = "jsonpath={.status.conditions[?(@.type=='Serving')].status}"
    ready = json.dumps({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    stage.kubectl("patch", "pod", "spy", "--subresource=status", "--type=merge", "-p", ready)
    apply(stage.cluster, OTHER, crew("crew", "sapper", "auditor", "analyst"))
    time.sleep(3)
    assert stage.cluster.kubectl("-n", OTHER, "get", "fm", "crew", "-o", path) == "False"


def test_nobody_can_write_a_status_to_free_a_place_or_a_budget(stage: Stage) -> None:
    change = json.dumps({"status": {"spent": {"tokens": 0, "usd": 0}}})
    words = ("patch", "mission", "guest", "--subresource=status", "--type=merge", "-p", change)
    said = stage.cluster.run("kubectl", "-n", TEAM, *words, ANNA)
    assert said.code != 0
    assert "Forbidden" in said.error


def test_a_hundred_missions_of_one_team_do_not_hold_up_anothers(stage: Stage) -> None:
    crowd = [mission(f"crowd-{number:03}", "crew") for number in range(100)]
    assert apply(stage.cluster, TEAM, *crowd, who=ANNA).code == 0
    apply(stage.cluster, OTHER, mission("urgent", "crew"))
    until(lambda: verdict(stage.cluster), 30)


def verdict(cluster: Cluster) -> str:
    path = "jsonpath={.status.conditions[?(@.type=='Admitted')].message}"
    said = cluster.kubectl("-n", OTHER, "get", "mission", "urgent", "-o", path)
    return "" if said and "100" not in said else f"says {said!r}"
