"""Mode `swarm`, the default: plan as a swarm, build in parallel, verify, audit, loop, report.

goal -> DISCOVER -> DEBATE -> SCAFFOLD -> architect -> build waves -> verify -> audit -> report
                                               ^                                 |
                                               +------- findings, maxLoops ------+
"""

from hekaton_runtime.effects import Merge, Read
from hekaton_runtime.strategies.building import BUILD
from hekaton_runtime.strategies.finishing import build_waves, until_good
from hekaton_runtime.strategies.planning import (
    architect,
    argue,
    discover,
    one_task,
    scaffold,
    triage,
)
from hekaton_runtime.strategies.steps import Step
from hekaton_runtime.strategies.values import Assignment, Conclusion, Debate, Story


def swarm(a: Assignment, story: Story) -> Step[Conclusion]:
    """The whole mission."""
    seen = yield Read(branch="base")
    story.skipped = yield from triage(a, seen)
    if story.skipped:
        story.design = one_task(a)
    else:
        views = yield from discover(a, seen, story.edition)
        story.debate = yield from argue(a, seen, views, story.edition)
        if story.debate and _passed(story.debate):
            return (yield from _built_already(a, story, story.debate.branch))
        plan = yield from scaffold(a, seen, views, story.debate)
        story.design = yield from architect(a, seen, plan)
    yield from build_waves(a, story, story.design)
    return (yield from until_good(a, story, story.design, audited=True))


def _passed(debate: Debate) -> bool:
    return bool(debate.branch) and dict(debate.rounds[-1].passed)[debate.winner]


def _built_already(a: Assignment, story: Story, branch: str) -> Step[Conclusion]:
    """A prototype that passed acceptance in the debate is the build; it is audited as any other."""
    story.design = one_task(a)
    yield Merge(source=branch, into=BUILD)
    return (yield from until_good(a, story, story.design, audited=True))
