"""Mode `auto`: look at the task, choose the mode that the evidence speaks for, say why, and go on in it.

The rules are those of docs/modes.md, strongest first. `swarm` is never chosen: it is what a user asks for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from hekaton_runtime.answers import Complexity, Triage
from hekaton_runtime.brief import Brief
from hekaton_runtime.effects import Note, Read
from hekaton_runtime.results import Files
from hekaton_runtime.strategies.charters import draw_up, width
from hekaton_runtime.strategies.reviewing import verify
from hekaton_runtime.strategies.steps import Step, ask
from hekaton_runtime.strategies.values import Assignment, Choice, Conclusion, Story

Mode = Callable[[Assignment, Story], Step[Conclusion]]
ONE_WINDOW = 65_536
"""Bytes of workspace that one agent is shown."""


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a task before it is worked."""

    complexity: Complexity | Literal[""]
    """The analyst's word; empty where there is no analyst."""
    trivial: bool
    telling: bool
    """Does acceptance fail on the workspace as it is: only then can it tell answers apart."""
    width: int
    """Tasks that can run at once; 0 where nobody planned."""
    whole: bool
    """Does one agent see the whole workspace."""
    models: int
    """Different models among those who debate."""
    debaters: int
    analyst: bool


def choose(f: Features) -> Choice:
    """The mode and the observation that decided, the strongest evidence first."""
    many = "hierarchical" if f.analyst else "flat"
    if not f.whole:
        return Choice(many, "the workspace is larger than what one agent is shown")
    if f.trivial or f.complexity == "LOW":
        return Choice(
            "single", f"the analyst rates it {f.complexity or 'trivial'}: one agent will do"
        )
    if f.width > 1:
        return Choice(many, f"it falls into parts: {f.width} tasks can run at once")
    if f.telling:
        return Choice("vote", "it is one piece of work, and acceptance can tell right from wrong")
    if f.debaters > 1 and f.models > 1:
        why = f"acceptance passes already, so it decides nothing, and {f.models} models can differ"
        return Choice("debate", why)
    return Choice("vote", "acceptance passes already, and one model has nobody to argue with")


def choosing(modes: Mapping[str, Mode]) -> Mode:
    """The mode that works a mission in one of these."""

    def auto(a: Assignment, story: Story) -> Step[Conclusion]:
        seen = yield Read(branch="base")
        features = yield from _features(a, story, seen)
        story.choice = choose(features)
        text = f"auto chose {story.choice.mode}: {story.choice.why}"
        yield Note(phase="discover", text=text)
        return (yield from modes[story.choice.mode](a, story))

    return auto


def _features(a: Assignment, story: Story, seen: Files) -> Step[Features]:
    """Ask and run no more than the choice needs."""
    yield Note(phase="discover", text="what kind of task is it?")
    analysts = a.team.named("analyst")
    debaters = a.team.named("researcher", "reasoner", "architect")
    models = len({seat.model for seat in debaters})
    size = sum(len(file.text.encode("utf-8", "replace")) for file in seen.files)
    whole = len(seen.files) == len(seen.tree) or size < ONE_WINDOW // 2
    rated: Triage | None = None
    if analysts and whole:
        brief = Brief(
            step="triage", goal=a.goal, acceptance=a.acceptance, tree=seen.tree, files=seen.files
        )
        rated = yield from ask(analysts[0], brief, Triage, ("plan",))
    easy = rated is not None and (rated.trivial or rated.complexity == "LOW")
    if analysts and not easy:
        story.charter = yield from draw_up(a, seen, story)
    ran = yield from verify(a)
    return Features(
        complexity=rated.complexity if rated else "", trivial=rated is not None and rated.trivial,
        telling=not ran.passed, width=width(story.charter.tasks) if story.charter else 0,
        whole=whole, models=models, debaters=len(debaters), analyst=bool(analysts),
    )  # fmt: skip
