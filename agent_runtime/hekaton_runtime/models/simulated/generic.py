"""Answers to our own questions where the book knows none: valid, deterministic, labelled. Pure."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, assert_never

from hekaton_runtime.answers import AnswerName
from hekaton_runtime.models.simulated.draws import Draw
from hekaton_runtime.models.simulated.generate import LABEL

LEADS: Mapping[str, str] = MappingProxyType(
    {
        "triage": "reason",
        "views": "summary",
        "proposal": "approach",
        "ballot": "reason",
        "plan": "summary",
        "design": "summary",
        "patch": "summary",
        "review": "summary",
        "charter": "brief",
        "reasoned": "summary",
    }
)
"""The free text of each answer that a person reads first, and that therefore carries the label."""
LONGEST_LINE = 4000
_ALIAS = re.compile(r'^<<<DATA \w+ "([A-Z])"$', re.MULTILINE)
"""A proposal in a prompt, as `agents.fence` puts it there."""


def generic(name: AnswerName, draw: Draw, prompt: str, competence: float) -> Mapping[str, Any]:
    """Make an answer that says nothing, in the right form."""
    said = f"{LABEL}: no model read this prompt."
    match name:
        case "triage":
            return {"trivial": False, "complexity": "MEDIUM", "reason": said}
        case "views":
            return {"summary": said, "facts": [], "risks": []}
        case "proposal":
            variant = "ABCD"[draw.pick("proposal", 4)]
            return {"approach": f"{LABEL}: approach {variant}.", "reasons": [], "risks": []}
        case "ballot":
            return {"choice": _choice(draw, prompt), "reason": said}
        case "plan" | "design" | "charter":
            return _planned(name, said)
        case "patch":
            text = f"{LABEL}: the answer book has no patch for this prompt.\n"
            return {"summary": said, "files": [{"path": f"{LABEL}.md", "content": text}]}
        case "review":
            return _review(draw, competence)
        case "reasoned":
            return {"reasoning": [said], **generic("patch", draw, prompt, competence)}
        case _:
            assert_never(name)


def _planned(name: AnswerName, said: str) -> Mapping[str, Any]:
    match name:
        case "charter":
            return {"brief": said, "tasks": [_task() | {"complexity": "MEDIUM"}]}
        case "design":
            return {"summary": said, "interfaces": [], "tasks": [_task()]}
        case _:
            return {"summary": said, "tasks": [_task()]}


def _task() -> dict[str, Any]:
    return {"id": "work", "goal": f"{LABEL}: do the whole mission.", "files": [], "needs": []}


def _choice(draw: Draw, prompt: str) -> str:
    aliases: list[str] = sorted(set(_ALIAS.findall(prompt))) or ["A"]
    return aliases[draw.pick("ballot", len(aliases))]


def _review(draw: Draw, competence: float) -> Mapping[str, Any]:
    """Grade by a draw and not by judgement: 8 or 9 as often as the model is right, else 5 or 6."""
    pleased = draw.is_right(competence)
    grade = (8 if pleased else 5) + draw.pick("grade", 2)
    found = {"text": f"{LABEL}: a drawn finding, nothing was read.", "severity": "medium"}
    names = ("correctness", "style", "security", "test_coverage")
    grades: dict[str, Any] = {name: grade for name in names}
    said = f"{LABEL}: grades are drawn, nothing was read."
    return {**grades, "summary": said, "findings": [] if pleased else [found]}


def labelled(name: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Begin the leading text of a known answer with the label, as far as it does not yet."""
    lead = LEADS.get(name)
    if lead is None:
        return value
    said = str(value.get(lead) or "")
    if said.startswith(LABEL):
        return value
    return {**value, lead: f"{LABEL}: {said}".removesuffix(": ")[:LONGEST_LINE]}
