"""Missions in a cluster by the same names as on a laptop."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hekaton_api.load import load
from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.kube import commands
from hekaton_runtime.kube.commands import Outside

ROOT = Path(__file__).resolve().parents[3] / "manifests"
MISSION = "/apis/hekaton.dev/v1alpha1/namespaces/team/missions/duration-library"
Condition = Callable[..., dict[str, str]]


def test_a_mission_is_sent_to_the_context_s_namespace(api: Any, capsys: Any) -> None:
    assert commands.submit(api.outside, load(ROOT / "missions" / "duration-library.yaml")) == 0
    assert api.asked == [("PATCH", MISSION, "application/apply-patch+yaml")]
    assert api.objects[MISSION]["spec"]["formation"] == "simulated"
    assert "next: hekaton watch duration-library -n team" in capsys.readouterr().out


def test_only_what_the_file_says_is_sent(api: Any) -> None:
    commands.submit(api.outside, load(ROOT / "missions" / "duration-library.yaml"))
    assert "priority" not in api.objects[MISSION]["spec"]
    assert "status" not in api.objects[MISSION]


def test_another_namespace_and_another_context_are_obeyed(api: Any) -> None:
    outside = Outside("other", "second", api.kubeconfig)
    commands.submit(outside, load(ROOT / "formations" / "simulated.yaml"))
    assert api.asked[0][1] == "/apis/hekaton.dev/v1alpha1/namespaces/other/formations/simulated"


@pytest.mark.parametrize(
    ("end", "code"), [("Succeeded", 0), ("Failed", 1), ("Cancelled", 3), ("BudgetExhausted", 3)]
)
def test_watching_ends_with_the_mission_and_with_its_code(
    api: Any, condition: Condition, capsys: Any, end: str, code: int
) -> None:
    delivered = {"location": "configmap/m-report", "commit": "abcdef0123456789"}
    api.mission("m", condition(end, "So it ended."), phase="done", artifact=delivered)
    assert commands.watch(api.outside, "m", as_json=False) == code
    said = capsys.readouterr().out
    assert f"{end.upper()}: So it ended." in said
    assert "artifact  configmap/m-report, commit abcdef012345" in said


def test_the_log_of_the_newest_pod_s_conductor_is_printed(
    api: Any, condition: Condition, capsys: Any
) -> None:
    api.mission("m", condition("Running"))
    for name, made in (("old", "2026-01-01T00:00:00Z"), ("new", "2026-01-02T00:00:00Z")):
        api.put(f"/api/v1/namespaces/team/pods/{name}")
        path = f"/api/v1/namespaces/team/pods/{name}"
        api.objects[path]["metadata"]["creationTimestamp"] = made
    assert commands.logs(api.outside, "m", follow=True) == 0
    assert capsys.readouterr().out == "first line\nsecond line\n"
    assert api.asked[-1][1] == "/api/v1/namespaces/team/pods/new/log"


def test_a_mission_without_a_pod_says_why(api: Any, condition: Condition) -> None:
    queued = condition("Admitted", "Two missions are ahead of it.", "Queued", "False")
    api.mission("m", queued)
    with pytest.raises(BadInput, match="it is Queued. Two missions are ahead of it."):
        commands.logs(api.outside, "m", follow=False)


def test_the_papers_are_written_whether_text_or_binary(
    api: Any, condition: Condition, tmp_path: Path, encoded: Callable[[bytes], str]
) -> None:
    api.mission("m", condition("Succeeded"))
    api.put(
        "/api/v1/namespaces/team/configmaps/m-report",
        data={"SITREP.md": "# Report\n", "../outside": "kept inside"},
        binaryData={"artifact.bundle": encoded(b"\x00bundle")},
    )
    folder = tmp_path / "papers"
    assert commands.artifact(api.outside, "m", folder) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "SITREP.md": b"# Report\n", "artifact.bundle": b"\x00bundle", "outside": b"kept inside",
    }  # fmt: skip


def test_papers_that_are_not_there_yet_are_refused_with_the_state(
    api: Any, condition: Condition, tmp_path: Path
) -> None:
    api.mission("m", condition("Running", "It builds."))
    with pytest.raises(BadInput, match="has no report: it is Running. It builds."):
        commands.artifact(api.outside, "m", tmp_path)


def test_killing_cancels_and_waits_for_the_end(api: Any, condition: Condition, capsys: Any) -> None:
    api.mission("m", condition("Running"))
    assert commands.kill(api.outside, "m") == 0
    patch = next(one for one in api.asked if one[0] == "PATCH")
    assert patch[2] == "application/merge-patch+json"
    assert capsys.readouterr().out == "m: Cancelled. By hand.\n"


def test_an_ended_mission_cannot_be_killed(api: Any, condition: Condition) -> None:
    api.mission("m", condition("Succeeded", "All passed."))
    with pytest.raises(BadInput, match="it is Succeeded. All passed."):
        commands.kill(api.outside, "m")


def test_missions_are_listed_the_newest_first(api: Any, condition: Condition, capsys: Any) -> None:
    api.mission("older", condition("Succeeded"))
    api.mission("newer", condition("Admitted", "Full.", "Queued", "False"))
    assert commands.missions(api.outside, 20, as_json=False) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[3]) for row in rows[1:]] == [("newer", "Queued"), ("older", "Succeeded")]


def test_a_mission_is_shown_with_its_reason_and_its_budget(
    api: Any, condition: Condition, capsys: Any
) -> None:
    api.mission(
        "m", condition("Running", "It builds."), phase="build",
        spent={"tokens": 120, "usd": 0.25}, tasks={"done": 1, "total": 3},
    )  # fmt: skip
    assert commands.show(api.outside, "m", as_json=False) == 0
    said = capsys.readouterr().out
    assert "m  Running" in said
    assert "tokens  120 spent, 0 reserved, cap 1,000" in said
    assert "tasks 1/3" in said


def test_json_is_the_object_that_was_read(api: Any, condition: Condition, capsys: Any) -> None:
    api.mission("m", condition("Succeeded"))
    commands.show(api.outside, "m", as_json=True)
    assert json.loads(capsys.readouterr().out)["status"]["conditions"][0]["type"] == "Succeeded"


def test_an_unknown_mission_is_answered_with_what_there_is(api: Any, condition: Condition) -> None:
    api.mission("m", condition("Running"))
    with pytest.raises(BadInput, match="'x' is not in namespace 'team'. There: m"):
        commands.show(api.outside, "x", as_json=False)


@pytest.mark.parametrize(
    ("refusal", "kind", "said"),
    [
        ((403, "missions is forbidden"), BadInput, "refuses: missions is forbidden. Use a context"),
        ((422, "spec.goal: Invalid value"), BadInput, "spec.goal: Invalid value"),
        ((500, "etcd is away"), Unavailable, "etcd is away"),
    ],
)
def test_a_refusal_is_told_in_the_server_s_words(
    api: Any, refusal: tuple[int, str], kind: type[Exception], said: str
) -> None:
    api.refusal = refusal
    with pytest.raises(kind, match=said):
        commands.submit(api.outside, load(ROOT / "missions" / "duration-library.yaml"))


def test_a_context_that_is_not_there_is_named(api: Any) -> None:
    with pytest.raises(BadInput, match="absent"):
        commands.missions(Outside("", "absent", api.kubeconfig), 1, as_json=False)


def test_no_cluster_at_all_is_said_with_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="KUBECONFIG"):
        commands.missions(Outside("", "", tmp_path / "nothing"), 1, as_json=False)


def test_a_server_that_is_away_is_said_so(api: Any) -> None:
    api.kubeconfig.write_text(api.kubeconfig.read_text().replace("127.0.0.1:", "127.0.0.1:1#"))
    with pytest.raises(Unavailable, match="does not answer"):
        commands.missions(api.outside, 1, as_json=False)


def test_we_say_who_we_are(api: Any) -> None:
    commands.missions(api.outside, 1, as_json=True)
    assert api.agents == {"hekaton-cli"}
