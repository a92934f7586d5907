"""A mission as a Job works it, against a formation's pod: one process for each container."""

import json
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(500)  # a dozen processes start, on whatever machine


@pytest.fixture(scope="module")
def mission() -> str:
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def worked(
    pod: Any, workspace: Callable[[], Path], mission: str, node: Any, mission_file: Path
) -> Any:
    """The mission's conductor, at its end."""
    socket = workspace()
    part = pod.conduct(
        mission, mission_file, "--workspace", socket, "--artifact", node.home / "volume" / "m"
    )
    part.ended()
    return part


def test_it_passes_under_the_id_that_it_was_given(worked: Any, node: Any, mission: str) -> None:
    assert worked.process.returncode == 0, worked.lines
    (row,) = node.sql("select id, state, simulated from hekaton.mission_status")
    assert (row["id"], row["state"], row["simulated"]) == (mission, "passed", True)


def test_every_call_went_through_the_router_and_costs_what_the_ledger_says(
    worked: Any, node: Any, pod: Any
) -> None:
    text = pod.get("router", "/metrics")[1]
    counted = sum(
        float(line.split()[-1])
        for line in text.splitlines()
        if line.startswith("hekaton_router_tokens_total{")
    )
    (row,) = node.sql("select spent_tokens from hekaton.mission_status")
    assert counted == row["spent_tokens"] > 0


def test_its_papers_are_in_the_database_for_whoever_mirrors_it(worked: Any, node: Any) -> None:
    rows = node.sql("select name, content from hekaton.paper order by name")
    papers = {row["name"]: row["content"] for row in rows}
    assert set(papers) == {"SITREP.md", "sitrep.json", "artifact.patch", "artifact.bundle"}
    assert b"SIMULATED" in papers["SITREP.md"]
    assert b"hekaton artifact " in papers["SITREP.md"]
    assert b"/missions/" not in papers["SITREP.md"]
    assert json.loads(papers["sitrep.json"])["outcome"] == "passed"


def test_its_result_lies_on_the_volume_as_files_and_as_a_bundle(
    worked: Any, node: Any, tmp_path: Path
) -> None:
    volume = node.home / "volume" / "m"
    assert {path.name for path in volume.iterdir()} == {
        "SITREP.md", "sitrep.json", "artifact.patch", "artifact.bundle", "files",
    }  # fmt: skip
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", volume / "artifact.bundle", clone], check=True)
    built = {path.name for path in (volume / "files").iterdir()}
    assert built == {path.name for path in clone.iterdir()} - {".git"}


def test_the_same_command_again_tells_how_it_ended_and_does_nothing(
    worked: Any, pod: Any, mission: str, mission_file: Path, node: Any
) -> None:
    before = node.sql("select count(*) from hekaton.call")
    again = pod.conduct(mission, mission_file)
    assert again.ended() == 0
    told = "\n".join(again.lines)
    assert "PASSED" in told
    assert "had ended already" in told
    assert node.sql("select count(*) from hekaton.call") == before


def test_a_conductor_without_the_permits_key_buys_nothing(
    pod: Any, node: Any, mission_file: Path, worked: Any
) -> None:
    wrong = node.home / "wrong"
    wrong.write_text("A" * 43 + "=")
    mission = str(uuid.uuid4())
    part = pod.conduct(mission, mission_file, "--permits", wrong)
    part.until("was not signed with the key that this router has")
    assert part.stop() == 75, part.lines
    (row,) = node.sql("select spent_tokens from hekaton.mission_status where id = $1", mission)
    assert row["spent_tokens"] == 0


@pytest.mark.parametrize("name", ["router", "broker", "agent"])
def test_every_part_is_alive_ready_and_measured(pod: Any, name: str) -> None:
    assert pod.get(name, "/healthz") == (200, "ok\n")
    assert pod.get(name, "/readyz") == (200, "ready\n")
    assert pod.get(name, "/metrics")[1].startswith("# HELP hekaton_")
