"""Mode `debate`: whole answers argue. It opens only where round 0 disagrees and no executed check decides.

goal -> an answer each -> acceptance on each -> one passes: done
                                             -> none, and they differ: hear others, answer again, vote
                                             -> the winner is built on, verified, repaired
"""

from dataclasses import replace

from hekaton_runtime.answers import Patch, Task
from hekaton_runtime.effects import Merge, Note, Read, Strategy
from hekaton_runtime.strategies.arbiters import debate as held
from hekaton_runtime.strategies.building import BUILD
from hekaton_runtime.strategies.candidates import Candidate, tried
from hekaton_runtime.strategies.content import normal
from hekaton_runtime.strategies.debating import Floor, Matter, Stand, Stands
from hekaton_runtime.strategies.finishing import until_good
from hekaton_runtime.strategies.planning import one_task
from hekaton_runtime.strategies.steps import Step, everything
from hekaton_runtime.strategies.values import Assignment, Conclusion, Status, Story, TaskEnd

LONGEST_FILE = 8000  # characters of one file that peers are shown


def debate(a: Assignment, story: Story) -> Step[Conclusion]:
    """Everybody answers alone; the rest depends on what executing the answers shows."""
    seen = yield Read(branch=BUILD)
    seats = a.team.named("researcher", "reasoner", "architect")
    story.debate = yield from held(a, seats, (), seen, ANSWERS, edition=2)
    story.design = one_task(a)
    seat = dict(story.debate.seats)[story.debate.winner]
    task = Task(id="answer", goal=f"The answer that the debate chose: {a.goal}"[:4000])
    merged = bool(story.debate.branch)
    if merged:
        yield Merge(source=story.debate.branch, into=BUILD)
    status: Status = "merged" if merged else "failed"
    story.tasks.append(TaskEnd(task, story.debate.branch, status, len(story.debate.rounds), seat))
    return (yield from until_good(a, story, story.design, audited=False))


def execute(floor: Floor, stands: Stands, number: int) -> Step[Stands]:
    """Try every answer that was not tried yet, side by side."""
    fresh = {seat: one for seat, one in stands.items() if one.passed is None}
    yield Note(phase="verify", text=f"round {number + 1}: {len(fresh)} answers")

    def one(seat: int) -> Strategy:
        name = f"{floor.aliases[seat].lower()}-{number}"
        return tried(floor.a, floor.seats[seat], name, stands[seat].answer)

    found = yield from everything({f"try-{number}-{seat}": one(seat) for seat in fresh})
    shown = {s: _shown(stands[s], found[f"try-{number}-{s}"]) for s in fresh}
    return stands | shown


def _shown(stand: Stand, candidate: Candidate) -> Stand:
    outcome = "passed" if candidate.passed else f"failed: {candidate.why}"
    return replace(
        stand, branch=candidate.branch, passed=candidate.passed, findings=candidate.findings,
        words=f"{stand.words}\nAcceptance {outcome}",
    )  # fmt: skip


def stand_of(patch: Patch) -> Stand:
    """What peers see of an answer: its files, the long ones cut."""
    files = [
        f"{one.path} is removed" if one.delete else f"{one.path}:\n{one.content[:LONGEST_FILE]}"
        for one in patch.files
    ]
    summary = patch.summary or "(no summary)"
    return Stand("\n".join([summary, *files]), summary, normal(patch), patch)


ANSWERS = Matter("patch", Patch, "build", "repair", stand_of, execute)
