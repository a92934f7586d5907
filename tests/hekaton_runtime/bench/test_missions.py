"""From tasks to missions: the prompt verbatim, the test hidden, the caps as wished."""

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from hekaton_api.formation import Formation
from hekaton_runtime.bench.cases import cases, differs, fingerprint
from hekaton_runtime.bench.dataset import Problem
from hekaton_runtime.bench.drafting import (
    Setting,
    Shipped,
    from_dataset,
    from_missions,
    limited,
    modes_of,
    whole,
)
from hekaton_runtime.bench.missions import Caps, from_problem
from hekaton_runtime.conductor.records import Options, Simulation
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.book_yaml import load

BOTH = ("single", "swarm")


@pytest.fixture
def setting(formation: Formation, tmp_path: Path) -> Setting:
    options = Options(home=str(tmp_path), simulation=Simulation(competence=0.6))
    return Setting(formation, BOTH, (0,), Caps(), options)


def test_the_goal_holds_the_prompt_and_nothing_of_the_test(problems: tuple[Problem, ...]) -> None:
    mission = from_problem(problems[0], "small-1")
    (stub,) = mission.spec.workspace.files or ()
    assert problems[0].prompt in mission.spec.goal
    assert stub.content == problems[0].prompt
    assert "hidden-mark" not in mission.spec.goal + stub.content
    assert "hidden-mark-1" in mission.spec.acceptance.files[0].content


def test_caps_and_loops_replace_those_of_the_mission(
    problems: tuple[Problem, ...], formation: Formation
) -> None:
    caps = Caps(tokens=12_345, usd=Decimal("0.07"), max_loops=0)
    setting = Setting(formation, ("single",), (0,), caps, Options(home="/h"))
    spec = from_dataset(problems, setting)[0].mission.spec
    assert (spec.budget.tokens, spec.budget.usd_micros) == (12_345, 70_000)
    assert spec.review is not None
    assert (spec.review.max_loops, spec.review.pass_score) == (0, formation.spec.review.pass_score)


def test_an_impossible_cap_is_refused(problems: tuple[Problem, ...], formation: Formation) -> None:
    caps = Caps(usd=Decimal("0.0000001"))
    with pytest.raises(BadInput, match="at most six decimals"):
        from_dataset(problems, Setting(formation, BOTH, (0,), caps, Options(home="/h")))


def test_simulated_models_need_solutions(setting: Setting, problems: tuple[Problem, ...]) -> None:
    bare = tuple(replace(one, canonical_solution="") for one in problems[:2])
    with pytest.raises(BadInput) as refused:
        from_dataset(bare, setting)
    assert len(refused.value.reasons) == 2


def test_unknown_modes_are_refused_by_name() -> None:
    assert modes_of("swarm, single,swarm") == ("swarm", "single")
    with pytest.raises(BadInput, match="'choir'"):
        modes_of("single,choir")


def test_the_server_of_a_run_knows_every_book_once(
    setting: Setting, problems: tuple[Problem, ...]
) -> None:
    simulation = whole(from_dataset(problems, setting), 0)
    assert simulation is not None
    assert [one.key for one in load(simulation.book).entries] == ["Small/1", "Small/2", "Small/3"]


def test_modes_come_one_after_the_other(setting: Setting, problems: tuple[Problem, ...]) -> None:
    drafts = limited(from_dataset(problems, setting), 2)
    made = cases("r", drafts, setting.formation, 0)
    assert [one.record.id for one in made] == [
        "r-small-1-single", "r-small-2-single", "r-small-1-swarm", "r-small-2-swarm",
    ]  # fmt: skip


def test_several_seeds_are_missions_of_their_own(
    formation: Formation, problems: tuple[Problem, ...]
) -> None:
    options = Options(home="/h", simulation=Simulation())
    setting = Setting(formation, ("single",), (4, 5), Caps(), options)
    shipped = [Shipped(from_problem(problems[0], "small-1"), "")]
    made = cases("r", from_missions(shipped, setting), formation, 0)
    seeds = [one.record.options.simulation for one in made]
    assert [one.record.id for one in made] == ["r-small-1-single-s4", "r-small-1-single-s5"]
    assert [one.seed for one in seeds if one is not None] == [4, 5]


def test_the_name_of_a_run_follows_from_all_that_matters_and_from_no_more(
    setting: Setting, problems: tuple[Problem, ...], formation: Formation
) -> None:
    def name(problems: tuple[Problem, ...], options: Options, code: str = "c") -> str:
        changed = Setting(formation, BOTH, (0,), Caps(), options)
        return fingerprint(from_dataset(problems, changed), formation, code)

    same = name(problems, setting.options)
    assert name(problems, replace(setting.options, home="/elsewhere")) == same
    assert name(problems[:2], setting.options) != same
    assert name(problems, replace(setting.options, base_url="http://x/v1")) != same
    assert name(problems, replace(setting.options, simulation=Simulation(competence=0.7))) != same
    assert name(problems, setting.options, "other prompts") != same


def test_a_mission_of_other_arguments_is_told_apart(
    setting: Setting, problems: tuple[Problem, ...]
) -> None:
    one, two, *_ = cases("r", from_dataset(problems, setting), setting.formation, 0)
    assert differs(one.record, one.record) == []
    assert differs(one.record, two.record) == ["the task", "the options"]
