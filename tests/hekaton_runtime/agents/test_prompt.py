"""Every prompt that can occur renders, shows what it must, and fits the context."""

import subprocess
import sys
from dataclasses import replace as changed
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hekaton_api.roles import RoleKind
from hekaton_runtime.agents.context import UNITS_PER_TOKEN, units
from hekaton_runtime.agents.fence import fence
from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.agents.prompt import ContextTooSmall, compose, render
from hekaton_runtime.answers import TYPES, AnswerName, parse
from hekaton_runtime.brief import Brief, FileText, Heard, Step

ROLES: tuple[RoleKind, ...] = get_args(RoleKind)
ANSWERS: dict[Step, tuple[AnswerName, ...]] = {
    "triage": ("triage",),
    "discover": ("views",),
    "propose": ("proposal",),
    "vote": ("ballot",),
    "scaffold": ("plan",),
    "design": ("design",),
    "build": ("patch", "reasoned"),
    "repair": ("patch",),
    "audit": ("review",),
    "work": get_args(AnswerName),
    "charter": ("charter",),
    "reduce": ("charter",),
}
CASES = [
    pytest.param(role, step, answer, id=f"{role}-{step}-{answer}")
    for role in ROLES
    for step, answers in ANSWERS.items()
    for answer in answers
]


def example_in(system: str) -> str:
    return system.split("Example:\n", 1)[1].strip()


def test_every_step_has_an_answer() -> None:
    assert set(ANSWERS) == set(get_args(Step))


@pytest.mark.parametrize(("role", "step", "answer"), CASES)
def test_every_prompt_renders_with_a_valid_example_and_the_goal(
    profile: Profile, brief: Brief, role: RoleKind, step: Step, answer: AnswerName
) -> None:
    asked = replace(brief, step=step)
    system, user = render(changed(profile, role=role), asked, answer, 1000)
    assert (system.role, user.role) == ("system", "user")
    assert isinstance(parse(example_in(system.content), TYPES[answer]), TYPES[answer])
    assert brief.goal in user.content
    assert "{{" not in system.content
    assert "1000 tokens" in system.content


def test_roles_differ(profile: Profile, brief: Brief) -> None:
    texts = {render(changed(profile, role=role), brief, "patch", 1000) for role in ROLES}
    assert len(texts) == len(ROLES)


def test_every_part_of_the_brief_is_shown(profile: Profile, brief: Brief) -> None:
    user = render(profile, brief, "patch", 1000)[1].content
    shown = (brief.task, *brief.acceptance, "\n".join(brief.tree), *brief.notes, brief.complaint)
    assert all(text in user for text in shown)
    assert all(file.text in user for file in brief.files)
    assert all(f'"{said.alias}"\n{said.text}\n' in user for said in brief.heard)
    assert "sums.py:2: add is missing" in user
    assert "Left out" not in user


def test_absent_parts_leave_no_heading(profile: Profile) -> None:
    user = render(profile, Brief(step="build", goal="g"), "patch", 1000)[1].content
    assert [line for line in user.splitlines() if line.startswith("# ")] == [
        "# Goal of the mission"
    ]


def test_foreign_text_is_data_and_the_task_is_an_order(profile: Profile, brief: Brief) -> None:
    user = render(profile, brief, "patch", 1000)[1].content
    assert fence("ORDER", "task", brief.task) in user
    assert fence("DATA", "other.py", "OTHER = 1\n") in user
    assert fence("DATA", "A", "use +") in user
    assert user.count("<<<ORDER") == 2


def test_template_marks_in_foreign_text_stay_as_they_are(profile: Profile, brief: Brief) -> None:
    hostile = replace(brief, goal="{{ step }}{% if x %}{# no #}")
    assert hostile.goal in render(profile, hostile, "patch", 1000)[1].content


@pytest.mark.parametrize("goal", ["ends with blanks  \n\n", "\r\nwindows\r\n", "<b>&amp;</b>", ""])
def test_the_goal_appears_verbatim(profile: Profile, goal: str) -> None:
    user = render(profile, Brief(step="vote", goal=goal), "ballot", 1000)[1].content
    assert fence("ORDER", "goal", goal) in user


@settings(max_examples=60, deadline=None)
@given(
    context=st.integers(3400, 6800),
    files=st.lists(st.text(max_size=200).map(lambda text: text * 9), max_size=6),
    step=st.sampled_from(get_args(Step)),
)
def test_the_prompt_and_the_answer_fit_the_context(
    context: int, files: list[str], step: Step
) -> None:
    profile = Profile("a", "auditor", "large", "m", 0.0, 500, context)
    brief = Brief(
        step=step,
        goal="reach the goal",
        files=tuple(FileText(path=f"{n}.py", text=text) for n, text in enumerate(files)),
        heard=tuple(Heard(alias="A", text=text) for text in files[:2]),
    )
    prompt = compose(profile, brief, ANSWERS[step][0], 500)
    used = sum(units(message.content) for message in prompt.messages)
    assert used <= (context - 500) * UNITS_PER_TOKEN
    assert brief.goal in prompt.messages[1].content


def test_what_is_left_out_is_named_to_the_model_and_to_the_caller(
    profile: Profile, brief: Brief
) -> None:
    large = replace(brief, files=(FileText(path="big.py", text="x = 1\n" * 3000),))
    prompt = compose(changed(profile, context_length=4000), large, "patch", 1000)
    user = prompt.messages[1].content
    assert [cut.part for cut in prompt.cuts] == ["tree"] * 3 + ["heard"] * 2 + ["files"]
    assert '2 from "What the others say", 3 from "Paths in the workspace"' in user
    assert f"[cut: {prompt.cuts[-1].characters} characters]" in user


def test_a_context_too_small_for_the_goal_is_refused_with_the_remedy(
    profile: Profile, brief: Brief
) -> None:
    tiny = changed(profile, context_length=1500)
    with pytest.raises(ContextTooSmall, match=r"1500 tokens of model 'model-a'.*Lower maxTokens"):
        render(tiny, brief, "patch", 1000)


def test_another_process_renders_the_same_bytes(profile: Profile, brief: Brief) -> None:
    program = (
        "import sys, msgspec\n"
        "from hekaton_runtime.agents.profile import Profile\n"
        "from hekaton_runtime.agents.prompt import render\n"
        "from hekaton_runtime.brief import Brief\n"
        "profile, brief = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[Profile, Brief])\n"
        "sys.stdout.buffer.write(msgspec.json.encode(render(profile, brief, 'patch', 1000)))\n"
    )
    given_in = msgspec.json.encode((profile, brief))
    run = subprocess.run(
        [sys.executable, "-c", program], input=given_in, capture_output=True, check=True
    )
    assert run.stdout == msgspec.json.encode(render(profile, brief, "patch", 1000))
