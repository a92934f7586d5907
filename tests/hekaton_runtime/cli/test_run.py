"""`hekaton run` and what looks at its missions afterwards."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Hekaton = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def ran(hekaton: Hekaton, missions: Path) -> dict[str, Any]:
    """The last line of a run of a small mission, as JSON."""
    said = hekaton("run", missions / "extend-tally.yaml", "--simulate", "--json")
    assert said.returncode == 0, said.stdout + said.stderr
    last: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return last


def test_a_mission_passes_and_leaves_its_papers(ran: dict[str, Any]) -> None:
    assert ran["outcome"] == "passed"
    assert ran["simulated"] is True
    sitrep = Path(ran["sitrep"]).read_text()
    assert "SIMULATED" in sitrep.splitlines()[0]
    assert "--top" in Path(ran["artifact"]).read_text()


def test_the_bundle_clones_to_a_tree_with_the_result(ran: dict[str, Any], tmp_path: Path) -> None:
    bundle = Path(ran["artifact"]).with_suffix(".bundle")
    subprocess.run(["git", "clone", "-q", str(bundle), str(tmp_path / "clone")], check=True)
    assert "--json" in (tmp_path / "clone" / "tally.py").read_text()


def test_missions_show_and_replay_tell_of_it(ran: dict[str, Any], hekaton: Hekaton) -> None:
    mission = ran["mission"]
    listed = [json.loads(line) for line in hekaton("missions", "--json").stdout.splitlines()]
    assert mission in {row["id"] for row in listed}
    shown = json.loads(hekaton("show", mission, "--json").stdout)
    assert (shown["state"], shown["spent_tokens"]) == ("passed", ran["tokens"])
    replayed = hekaton("replay", mission)
    assert replayed.returncode == 0, replayed.stderr
    assert "no model was called" in replayed.stdout
    assert "passed: acceptance and review passed" in replayed.stdout


def test_an_ended_mission_is_told_of_again_and_costs_nothing(
    ran: dict[str, Any], hekaton: Hekaton
) -> None:
    said = hekaton("resume", ran["mission"], "--json")
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert "it had ended already" in told.pop("reason")
    assert told.items() <= ran.items()


def test_a_mission_is_found_by_the_beginning_of_its_id(
    ran: dict[str, Any], hekaton: Hekaton
) -> None:
    assert ran["mission"] in hekaton("show", ran["mission"][:-2]).stdout


def test_the_debate_is_replayed_with_its_votes_and_an_intact_transcript(
    hekaton: Hekaton, missions: Path
) -> None:
    said = hekaton("run", missions / "duration-library.yaml", "--simulate", "--json")
    mission = json.loads(said.stdout.splitlines()[-1])["mission"]
    told = hekaton("replay", mission).stdout
    assert "round: ballots 1 (quorate)" in told
    voted = re.findall(r"(\S+) \(([A-Z])\): votes ([A-Z])", told)
    assert {choice for _, _, choice in voted} <= {alias for _, alias, _ in voted}
    assert all(f"{name} ({alias}): SIMULATED" in told for name, alias, _ in voted), told
    assert "hash chain intact" in told


def test_without_competence_the_mission_fails_honestly(hekaton: Hekaton, missions: Path) -> None:
    said = hekaton(
        "run", missions / "extend-tally.yaml", "--simulate", "--competence", "0", "--mode", "single"
    )
    assert said.returncode == 1, said.stderr
    assert "FAILED (SIMULATED): acceptance fails after 3 tries" in said.stdout


def test_a_hidden_test_is_never_shown_to_an_agent(hekaton: Hekaton, missions: Path) -> None:
    said = hekaton(
        "run", missions / "extend-tally.yaml", "--simulate", "--competence", "0", "--json"
    )
    mission = json.loads(said.stdout.splitlines()[-1])["mission"]
    asked = [json.loads(line) for line in hekaton("replay", mission, "--json").stdout.splitlines()]
    briefs = [json.dumps(one["effect"]["brief"]) for one in asked if one["effect"]["type"] == "Ask"]
    assert len(briefs) > 3
    assert not [brief for brief in briefs if "test_a_top_below_one_is_refused" in brief]


def test_a_budget_too_small_is_told_with_the_arithmetic(
    hekaton: Hekaton, missions: Path, tmp_path: Path
) -> None:
    text = (missions / "extend-tally.yaml").read_text().replace("tokens: 400000", "tokens: 500")
    (tmp_path / "mission.yaml").write_text(text)
    said = hekaton("run", tmp_path / "mission.yaml", "--simulate")
    assert said.returncode == 3, said.stderr
    assert "has 500 tokens" in said.stdout
    assert "spent     0 of 500 tokens" in said.stdout
