"""From a command line to a plan, without running it."""

from dataclasses import replace
from pathlib import Path

import pytest

from hekaton_runtime.cli.benching import Wanted, planned
from hekaton_runtime.errors import BadInput
from hekaton_runtime.settings import Settings

WANTED = Wanted(
    level=0, dataset=None, modes="", formation="simulated", base_url="", model="", simulate=True, competence=0.6,
    seed=0, latency=0.0, parallel=4, limit=0, max_loops=None, tokens=None, usd="", out=None, run="",
    unsafe=False, as_json=False, plain=True,
)  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (WANTED, "either --level"),
        (replace(WANTED, level=1, dataset=Path("x.jsonl")), "either --level"),
        (replace(WANTED, dataset=Path("absent.jsonl")), "No such file"),
        (replace(WANTED, level=1, usd="much"), "'much' is no amount"),
        (replace(WANTED, level=1, run="No Name"), "'No Name' is no name"),
        (replace(WANTED, level=1, formation="none"), "formation 'none'"),
    ],
    ids=["nothing", "both", "absent", "money", "run", "formation"],
)
def test_what_cannot_be_run_is_refused_beforehand(
    wanted: Wanted, said: str, settings: Settings
) -> None:
    with pytest.raises(BadInput, match=said):
        planned(wanted, settings)


@pytest.mark.parametrize(
    ("level", "modes", "seeds"),
    [(1, {"single"}, {0}), (2, {"single", "swarm"}, {0}), (3, {"single", "swarm"}, {0, 1, 2})],
)
def test_a_level_says_which_missions_modes_and_seeds(
    level: int, modes: set[str], seeds: set[int], settings: Settings
) -> None:
    plan = planned(replace(WANTED, level=level), settings)
    tasks = {case.task for case in plan.cases}
    assert ({case.mode for case in plan.cases}, {case.seed for case in plan.cases}) == (
        modes,
        seeds,
    )
    assert len(plan.cases) == len(tasks) * len(modes) * len(seeds)
    assert tasks == {"extend-tally"} if level == 1 else len(tasks) >= 3


def test_the_same_arguments_name_the_same_run(settings: Settings, dataset: Path) -> None:
    wanted = replace(WANTED, dataset=dataset)
    first, again = planned(wanted, settings), planned(replace(wanted, parallel=9), settings)
    assert first.bench.run.startswith("small-")
    assert first.bench.run == again.bench.run
    assert planned(replace(wanted, limit=2), settings).bench.run == first.bench.run
    assert planned(replace(wanted, seed=1), settings).bench.run != first.bench.run
    assert planned(replace(wanted, run="mine"), settings).bench.run == "mine"


def test_a_limit_takes_the_first_tasks_in_every_mode(settings: Settings, dataset: Path) -> None:
    plan = planned(replace(WANTED, dataset=dataset, limit=2), settings)
    assert {case.task for case in plan.cases} == {"Small/1", "Small/2"}
    assert len(plan.cases) == 4
    assert "2 tasks" in plan.bench.title
    assert "SIMULATED" in plan.bench.title
