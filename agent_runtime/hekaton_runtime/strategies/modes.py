"""The modes by name. A new mode is a new generator and one line here."""

from collections.abc import Callable

from hekaton_runtime.effects import Merge
from hekaton_runtime.results import Merged
from hekaton_runtime.strategies.auto import choosing
from hekaton_runtime.strategies.building import BUILD
from hekaton_runtime.strategies.debate import debate
from hekaton_runtime.strategies.flat import flat
from hekaton_runtime.strategies.hierarchical import hierarchical
from hekaton_runtime.strategies.single import single
from hekaton_runtime.strategies.steps import OutOfBudget, Step, Unanswered
from hekaton_runtime.strategies.swarm import swarm
from hekaton_runtime.strategies.values import Assignment, Conclusion, Story
from hekaton_runtime.strategies.vote import vote

EDITION = 4
"""Of the strategies. A mission goes on by the edition that its journal began with:

1 knew one auditor, counted round 0 among the rounds of critique, and judged an unchanged tree again.
2 asked no tools before its auditors.
3 gave executors nothing to do.
"""
Mode = Callable[[Assignment, Story], Step[Conclusion]]
NAMED: dict[str, Mode] = {
    "single": single,
    "swarm": swarm,
    "vote": vote,
    "debate": debate,
    "flat": flat,
    "hierarchical": hierarchical,
}
MODES: dict[str, Mode] = {**NAMED, "auto": choosing(NAMED)}


def concluded(mode: str, assignment: Assignment) -> Step[Conclusion]:
    """Run a mode to its conclusion: an empty purse and a mute agent are endings, not crashes."""
    story = Story()
    begun = yield Merge(source="base", into=BUILD)
    if isinstance(begun, Merged):
        story.edition = begun.edition
    try:
        return (yield from MODES[mode](assignment, story))
    except OutOfBudget as end:
        return story.end("stopped", f"budget: {end}", BUILD)
    except Unanswered as end:
        return story.end("failed", str(end), BUILD)
