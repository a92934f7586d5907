"""Every benchmark runs as a command, with sizes so small that only the machinery is tried, never a time."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def figures(*words: str) -> dict[str, Any]:
    said = subprocess.run(
        [sys.executable, BENCHMARKS / words[0], *words[1:], "--json"],
        capture_output=True, text=True, timeout=400, check=False,
        env={"PATH": os.environ["PATH"], "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout)
    return found


@pytest.mark.timeout(120)
def test_steps_measures_each_contestant_and_the_growth() -> None:
    said = figures(
        "steps.py", "--alone", "--sizes", "100", "--blocks", "2", "--steps", "3", "--growth", "20"
    )
    assert [one["name"] for one in said["steps"]] == ["hekaton call", "hekaton journal", "bare INSERT + commit"]  # fmt: skip
    assert {one["many"] for one in said["steps"]} == {6}
    assert (said["growth"]["steps"], said["growth"]["first"] > 0) == (20, True)


@pytest.mark.timeout(120)
def test_bus_measures_both_contestants_over_both_transports() -> None:
    said = figures("bus.py", "--missions", "1", "2", "--asks", "4", "--blocks", "1")
    seen = {(one["name"], one["transport"], one["missions"], one["many"]) for one in said["asks"]}
    assert seen == {
        (name, transport, missions, 4)
        for name in ("hekaton", "bare pyzmq")
        for transport in ("ipc", "tcp CURVE")
        for missions in (1, 2)
    }


@pytest.mark.timeout(120)
def test_overhead_takes_the_model_alone_off() -> None:
    said = figures("overhead.py", "--alone", "--at-once", "1", "3", "--calls", "3", "--blocks", "1")
    found = {(one["name"], one["at_once"]): one["a_call"] for one in said["calls"]}
    assert found["the model alone", 1] == found["the model alone", 3] == 0
    assert found["hekaton", 1] > 0


@pytest.mark.timeout(120)
def test_halt_sees_a_killed_mission_come_to_rest() -> None:
    (kill,) = figures("halt.py", "--kills", "1")["kills"]
    ends = ("commands", "calls", "closed", "still")
    assert kill["quiet"] == max(kill[end] for end in ends)
    assert not kill["moved"]


@pytest.mark.timeout(120)
def test_startup_measures_times_and_the_memory_of_all_processes() -> None:
    said = figures("startup.py", "--runs", "1", "--agents", "2")
    assert said["cpu"]["hekaton --help"] > said["cpu"]["python -c pass"]
    memory = said["memory"]
    assert memory["all processes"]["pss"] > memory["conductor"]["pss"] > 0


@pytest.mark.timeout(120)
@pytest.mark.timeout(450)  # its mission is killed again and again
def test_a_soak_of_one_mission_keeps_every_promise() -> None:
    said = figures("soak.py", "--seconds", "0", "--missions", "1", "--seed", "1")
    assert (said["missions"], said["broken"], said["calls"].get("open", 0)) == (1, [], 0)


@pytest.mark.timeout(120)
def test_many_missions_at_once_lose_nothing_and_get_on_alike() -> None:
    said = figures("many_missions.py", "--missions", "2", "--alone", "1", "--seconds", "0.01")
    assert [(one["at_once"], one["passed"], one["breaches"]) for one in said["rows"]] == [
        (1, 1, 0),
        (2, 2, 0),
    ]
    assert said["rows"][1]["fairness"] > 0.5


@pytest.mark.timeout(120)
def test_modes_measures_both_modes_against_the_critical_path() -> None:
    said = figures("modes.py", "--seconds", "0.01", "--repeats", "1", "--plans", "12 at once")
    assert [(plan, mode, path) for plan, mode, path, *_ in said["rows"]] == [
        ("12 at once", "flat", 0.01),
        ("12 at once", "hierarchical", 0.01),
    ]
