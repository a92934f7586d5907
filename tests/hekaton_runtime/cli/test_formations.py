"""Every shipped formation finishes a mission, and one is changed without being copied."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hekaton_runtime.cli.documents import builtin

Hekaton = Callable[..., "subprocess.CompletedProcess[str]"]
SHIPPED = sorted(path.stem for path in builtin().glob("*.yaml"))


@pytest.mark.parametrize("formation", SHIPPED)
def test_every_shipped_formation_finishes_a_mission_with_simulated_models(
    formation: str, hekaton: Hekaton, missions: Path
) -> None:
    said = hekaton(
        "run", missions / "extend-tally.yaml", "--formation", formation, "--simulate", "--json"
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert json.loads(said.stdout.splitlines()[-1])["outcome"] == "passed"


def test_a_field_is_changed_for_one_run(hekaton: Hekaton, missions: Path) -> None:
    said = hekaton(
        "run", missions / "extend-tally.yaml", "--simulate", "--json",
        "--set", "models.sim-strong.price.outputPerMTok=0", "--set", "models.sim-strong.price.inputPerMTok=0",
        "--set", "models.sim-fast.price={}",
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr
    assert json.loads(said.stdout.splitlines()[-1])["micros"] == 0


def test_a_plan_takes_changes_too(hekaton: Hekaton) -> None:
    said = hekaton(
        "plan", "heavy-hitter", "--set", "models.coder-32b.contextLength=32768", "--json"
    )
    planned = {model["name"]: model for model in json.loads(said.stdout)["models"]}
    assert planned["coder-32b"]["reached"] == 32768


def test_changes_that_cannot_be_made_are_told_at_once_with_exit_code_2(hekaton: Hekaton) -> None:
    said = hekaton("plan", "heavy-hitter", "--set", "models.coder.contextLength=1", "--set", "x")
    assert said.returncode == 2
    assert "--set: models: 'coder' is no entry of it" in said.stderr
    assert "--set: 'x' is no change of a field" in said.stderr
