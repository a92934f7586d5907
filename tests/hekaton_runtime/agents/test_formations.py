"""Every agent of every shipped formation can be told a full brief within its model's context."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from hekaton_api.formation import Formation
from hekaton_api.load import load
from hekaton_runtime.agents.context import UNITS_PER_TOKEN, units
from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.agents.prompt import compose
from hekaton_runtime.answers import AnswerName
from hekaton_runtime.brief import Brief, FileText, Finding, Heard, Step
from hekaton_runtime.conductor.assigning import seats

FOLDER = Path(__file__).resolve().parents[3] / "manifests" / "formations"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
ANSWERS: dict[Step, AnswerName] = {
    "triage": "triage", "discover": "views", "propose": "proposal", "vote": "ballot", "scaffold": "plan",
    "design": "design", "build": "patch", "repair": "patch", "audit": "review", "work": "patch",
    "charter": "charter", "reduce": "charter",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A formation and all its agents."""

    name: str
    profiles: tuple[Profile, ...]


def case(name: str) -> Case:
    documents = load(FOLDER / f"{name}.yaml")
    (formation,) = (one for one in documents if isinstance(one, Formation))
    return Case(name, tuple(seat.profile for seat in seats(formation.spec, {}).values()))


def large(step: Step) -> Brief:
    """More than any context of a local model holds."""
    code = "def f(n: int) -> int:\n    return n + 1\n" * 400
    return Brief(
        step=step,
        goal="Write `add(a, b)` in sums.py so that add(1, 2) == 3.",
        task="Create sums.py with add and its tests.",
        acceptance=("python -m pytest -q",),
        tree=tuple(f"package/module_{n}.py" for n in range(400)),
        files=tuple(FileText(path=f"package/module_{n}.py", text=code) for n in range(12)),
        notes=("sums.py: add(a: int, b: int) -> int",),
        findings=(Finding(text="add is missing", file="sums.py", line=2, evidence="line 2"),),
        heard=tuple(Heard(alias=alias, text="use + " * 250) for alias in "ABC"),
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_of_the_formation_fits_with_its_answer(name: str) -> None:
    for profile in case(name).profiles:
        for step in get_args(Step):
            brief = large(step)
            prompt = compose(profile, brief, ANSWERS[step], profile.max_tokens)
            used = sum(units(message.content) for message in prompt.messages)
            room = profile.context_length - profile.max_tokens
            assert used <= room * UNITS_PER_TOKEN, (profile.name, step)
            user = prompt.messages[1].content
            assert brief.goal in user, (profile.name, step)
            assert brief.task in user, (profile.name, step)
            assert brief.acceptance[0] in user, (profile.name, step)


@pytest.mark.parametrize("name", NAMES)
def test_half_of_a_role_s_context_is_left_for_the_brief(name: str) -> None:
    for profile in case(name).profiles:
        for step in get_args(Step):
            bare = compose(profile, Brief(step=step, goal="g"), ANSWERS[step], profile.max_tokens)
            used = sum(units(message.content) for message in bare.messages) // UNITS_PER_TOKEN
            left = profile.context_length - profile.max_tokens - used
            assert left >= profile.context_length // 2, (profile.name, step, left)
