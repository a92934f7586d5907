"""Each role speaks to small, medium and large models in prompts of their own, 31 files in all."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

import hekaton_runtime
from hekaton_api.roles import RoleKind, Tier
from hekaton_runtime.agents.context import units
from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.agents.prompt import render
from hekaton_runtime.answers import TYPES, AnswerName, parse
from hekaton_runtime.brief import Brief, Step

PROMPTS = Path(hekaton_runtime.__file__).parent / "prompts"
GOLDEN = Path(__file__).parent / "golden"
TIERS: tuple[Tier, ...] = get_args(Tier)
ROLES: tuple[RoleKind, ...] = get_args(RoleKind)
ANSWERS: dict[Step, AnswerName] = {
    "triage": "triage", "discover": "views", "propose": "proposal", "vote": "ballot", "scaffold": "plan",
    "design": "design", "build": "patch", "repair": "patch", "audit": "review", "work": "patch",
    "charter": "charter", "reduce": "charter",
}  # fmt: skip
DUTY: dict[RoleKind, Step] = {
    "researcher": "discover", "reasoner": "propose", "architect": "design", "sapper": "build", "auditor": "audit",
    "analyst": "scaffold", "worker": "work", "executor": "repair", "consolidator": "work",
}  # fmt: skip
System = Callable[[RoleKind, Tier, Step], str]


@pytest.fixture
def system() -> System:
    """The system message for a role, a tier and a step."""

    def written(role: RoleKind, tier: Tier, step: Step) -> str:
        profile = Profile("agent", role, tier, "model", 0.0, 1000, 32_768)
        return render(profile, Brief(step=step, goal="g"), ANSWERS[step], 1000)[0].content

    return written


def test_there_are_nine_roles_in_three_tiers_and_four_shared_files() -> None:
    files = {str(path.relative_to(PROMPTS)) for path in PROMPTS.rglob("*.j2")}
    shared = {f"shared/{name}.md.j2" for name in ("role", "brief", "steps", "answers")}
    assert files == shared | {f"{role}/{tier}.md.j2" for role in ROLES for tier in TIERS}
    assert len(files) == 31


@pytest.mark.parametrize("step", ANSWERS)
@pytest.mark.parametrize("role", ROLES)
def test_smaller_models_read_less(system: System, role: RoleKind, step: Step) -> None:
    small, medium, large = (units(system(role, tier, step)) for tier in TIERS)
    assert 1.2 * small < medium < large


@pytest.mark.parametrize("step", ANSWERS)
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_states_the_schema_of_its_answer_with_a_valid_example(
    system: System, tier: Tier, step: Step
) -> None:
    said = system("sapper", tier, step)
    kind = TYPES[ANSWERS[step]]
    example = said.split("Example:\n", 1)[1].strip()
    assert isinstance(parse(example, kind), kind)
    form = said.split("# Your answer", 1)[1].split("Example:", 1)[0]
    assert [name for name in kind.__struct_fields__ if name not in form] == []


@pytest.mark.parametrize("step", ANSWERS)
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_keeps_orders_and_data_apart(system: System, tier: Tier, step: Step) -> None:
    said = system("auditor", tier, step)
    assert "ORDER blocks" in said
    assert "never" in said.split("DATA blocks", 1)[1].split("\n", 1)[0]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("tier", TIERS)
def test_small_models_get_steps_one_after_the_other(
    system: System, role: RoleKind, tier: Tier
) -> None:
    asked = system(role, tier, DUTY[role]).split("# This step", 1)[1].split("# Rules", 1)[0]
    assert ("\n1. " in asked) == (tier == "small")


@pytest.mark.parametrize("tier", TIERS)
def test_no_two_roles_of_a_tier_are_told_the_same(system: System, tier: Tier) -> None:
    assert len({system(role, tier, "build") for role in ROLES}) == len(ROLES)


@pytest.mark.parametrize("tier", TIERS)
def test_the_prompts_of_a_tier_are_the_golden_ones(
    system: System, tier: Tier, tmp_path: Path
) -> None:
    page = "\n".join(
        f"<!-- {role}, {DUTY[role]} -->\n{system(role, tier, DUTY[role])}\n" for role in ROLES
    )
    new = tmp_path / f"{tier}.md"
    new.write_text(page)
    known = GOLDEN / f"{tier}.md"
    assert known.exists(), f"cp {new} {known}"
    assert page == known.read_text(), f"The prompts changed; if that is meant: cp {new} {known}"
