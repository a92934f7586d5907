"""Mode `flat`: workers side by side and nobody above them. The baseline that a hierarchy must beat.

goal -> plan by a worker -> all tasks as their needs are met -> verify -> repair
"""

from hekaton_runtime.answers import Design, Plan
from hekaton_runtime.brief import Brief
from hekaton_runtime.effects import Note, Read
from hekaton_runtime.strategies.finishing import build_waves, builders, until_good
from hekaton_runtime.strategies.steps import Step, ask, plan_faults
from hekaton_runtime.strategies.values import Assignment, Conclusion, Story


def flat(a: Assignment, story: Story) -> Step[Conclusion]:
    """One of the workers cuts the goal; no brief, no ratings, no budgets of tasks, no audit."""
    seen = yield Read(branch="base")
    yield Note(phase="scaffold")
    brief = Brief(
        step="scaffold", goal=a.goal, acceptance=a.acceptance, tree=seen.tree, files=seen.files
    )
    seat = builders(a)[0]
    plan = yield from ask(seat, brief, Plan, ("plan",), lambda said: plan_faults(said.tasks))
    story.design = Design(summary=plan.summary, tasks=plan.tasks)
    yield from build_waves(a, story, story.design)
    return (yield from until_good(a, story, story.design, audited=False))
