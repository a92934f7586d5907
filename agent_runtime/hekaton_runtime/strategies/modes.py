"""The modes by name. A new mode is a new generator and one line here."""

from collections.abc import Callable

from hekaton_runtime.effects import Merge
from hekaton_runtime.strategies.building import BUILD
from hekaton_runtime.strategies.single import single
from hekaton_runtime.strategies.steps import OutOfBudget, Step, Unanswered
from hekaton_runtime.strategies.swarm import swarm
from hekaton_runtime.strategies.values import Assignment, Conclusion, Story

Mode = Callable[[Assignment, Story], Step[Conclusion]]
MODES: dict[str, Mode] = {"single": single, "swarm": swarm}


def concluded(mode: str, assignment: Assignment) -> Step[Conclusion]:
    """Run a mode to its conclusion: an empty purse and a mute agent are endings, not crashes."""
    story = Story()
    yield Merge(source="base", into=BUILD)
    try:
        return (yield from MODES[mode](assignment, story))
    except OutOfBudget as end:
        return story.end("stopped", f"budget: {end}", BUILD)
    except Unanswered as end:
        return story.end("failed", str(end), BUILD)
