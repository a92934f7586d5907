"""What models get wrong, and the course of each: rejected without a call, told, asked again, given up honestly."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from hekaton_runtime.answers import TYPES, AnswerName, Plan, Task, schema
from hekaton_runtime.effects import Ask
from hekaton_runtime.results import Failed

MODES = ("single", "vote", "debate", "flat", "swarm", "hierarchical", "auto")
GOOD = '{"files": [{"path": "a.py", "content": "right"}]}'


def tasks(many: int, lead: str = "summary", **more: Any) -> str:
    each = [{"id": f"t{n}", "goal": "g", **more} for n in range(many)]
    return json.dumps({lead: "s", "tasks": each})


def ring(many: int, lead: str = "summary") -> str:
    each = [{"id": f"t{n}", "goal": "g", "needs": [f"t{(n + 1) % many}"]} for n in range(many)]
    return json.dumps({lead: "s", "tasks": each})


BAD: dict[str, tuple[AnswerName, str, str]] = {
    "empty": ("patch", "", "The answer was empty"),
    "blank": ("patch", " \n ", "The answer was empty"),
    "no file": ("patch", '{"files": []}', "length >= 1"),
    "the schema itself": ("patch", json.dumps(schema("patch")), "That is the schema itself"),
    "prose before": ("patch", f"Sure, here it is: {GOOD}", "without a word before it"),
    "prose behind": ("patch", f"{GOOD}\nHope that helps!", "trailing characters"),
    "a list": ("patch", f"[{GOOD}]", "Write the JSON object alone"),
    "keys of another language": ("patch", '{"dateien": []}', "unknown field"),
    "a choice in another script": ("ballot", '{"choice": "Б"}', "matching regex"),
    "half of a surrogate pair": ("patch", GOOD.replace("right", "\\ud800"), "truncated"),
    "cyclic": ("plan", tasks(1, needs=["t0"]), "wait for each other: t0 -> t0"),
    "a cycle of three": ("plan", ring(3), "wait for each other: t0 -> "),
    "a rated cycle": ("charter", ring(3, "brief"), "wait for each other: t0 -> "),
    "a rated task that needs a ghost": ("charter", tasks(1, "brief", needs=["ghost"]), "which is no task"),
    "dangling": ("plan", tasks(1, needs=["ghost"]), "needs 'ghost', which is no task"),
    "500 tasks": ("plan", tasks(500), "length <= 64"),
    "500 rated tasks": ("charter", tasks(500, "brief"), "length <= 64"),
    "unknown role": ("plan", tasks(1, role="wizard"), "unknown field `role`"),
    "unknown rating": ("charter", tasks(1, "brief", complexity="EPIC"), "Invalid enum value 'EPIC'"),
    "no tasks": ("plan", '{"summary": "s", "tasks": []}', "length >= 1"),
}  # fmt: skip
MODE_OF: dict[AnswerName, str] = {"plan": "flat", "charter": "hierarchical", "patch": "single"}
cases = pytest.mark.parametrize(("kind", "text", "why"), BAD.values(), ids=BAD)


def once(kind: AnswerName, text: str) -> Callable[[Ask], Any]:
    """The first answer of this kind is bad."""
    given: list[Ask] = []

    def script(ask: Ask) -> str | None:
        if ask.answer != kind or given:
            return None
        given.append(ask)
        return text

    return script


@cases
def test_a_bad_answer_is_told_and_asked_for_again(
    stage: Any, kind: AnswerName, text: str, why: str
) -> None:
    if kind == "ballot":  # no single ballot is worth another call
        end = stage(once(kind, text), right=lambda ask: False).run("debate", max_loops=0)
        assert len(end.debate.rounds[0].votes) == 2, "a ballot for nobody does not count"
        return
    on = stage(once(kind, text))
    end = on.run(MODE_OF[kind])
    told = [
        ask.brief.complaint
        for ask in on.asked("build", "scaffold", "charter")
        if ask.brief.complaint
    ]
    assert len(told) == 1
    assert why in told[0]
    assert end.outcome == "passed"


@cases
@pytest.mark.parametrize("mode", MODES)
def test_an_agent_that_only_gives_bad_answers_ends_the_mission_honestly(
    stage: Any, kind: AnswerName, text: str, why: str, mode: str
) -> None:
    on = stage(lambda ask: text if ask.answer == kind else None)
    end = on.run(mode, max_loops=1, attempts=1)
    assert end.outcome in ("passed", "failed")
    if end.outcome == "failed":
        assert end.reason
    asked = [ask for ask in on.asked("scaffold", "charter") if ask.answer == kind]
    assert len(asked) in (0, 3), "three tries and no more"


@pytest.mark.parametrize("name", TYPES)
def test_no_answer_is_mistaken_for_its_schema(stage: Any, name: AnswerName) -> None:
    said = json.dumps(schema(name))
    end = stage(lambda ask: said if ask.answer == name else None).run("hierarchical", max_loops=0)
    assert end.outcome in ("passed", "failed")


def test_prose_in_any_language_is_data_and_acceptance_decides(stage: Any) -> None:
    said = '{"summary": "Готово. 完成。", "files": [{"path": "a.py", "content": "right"}]}'
    assert stage(lambda ask: said).run("single").outcome == "passed"


def test_a_plan_of_64_tasks_is_worked(stage: Any) -> None:
    plan = Plan(
        summary="s", tasks=tuple(Task(id=f"t{n}", goal="g", files=(f"t{n}.py",)) for n in range(64))
    )
    end = stage(lambda ask: plan if ask.answer == "plan" else None, base=()).run("flat")
    assert (end.outcome, len(end.tasks)) == ("passed", 64)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["invalid", "truncated", "rejected", "unknown", "late"])
def test_a_team_that_never_answers_fails_the_mission_and_not_the_process(
    stage: Any, mode: str, kind: Any
) -> None:
    end = stage(lambda ask: Failed(kind=kind, detail="as ever")).run(mode, max_loops=0)
    assert end.outcome == "failed"
    assert "as ever" in end.reason or "acceptance fails" in end.reason
