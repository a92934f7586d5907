"""From a mission's ending, course and ledger to its SITREP. Pure."""

from collections import Counter
from dataclasses import replace

from hekaton_runtime.conductor.conduct import Ending
from hekaton_runtime.conductor.engine import Moment
from hekaton_runtime.conductor.labelling import labels
from hekaton_runtime.conductor.records import Record
from hekaton_runtime.effects import Note, Run
from hekaton_runtime.models.simulated.settings import PREFIX
from hekaton_runtime.report.values import (
    Artifact,
    Budget,
    CostLine,
    Debate,
    DebateRound,
    NextStep,
    Phase,
    Proposal,
    Score,
    Scores,
    Sitrep,
    TaskLine,
    ToolLine,
    VerifyRun,
)
from hekaton_runtime.results import Answer, Examined, HeardAll, Ran
from hekaton_runtime.review.caps import PARTS, Part, bound_by
from hekaton_runtime.strategies.counterfactual import effect, plain_vote
from hekaton_runtime.strategies.values import Conclusion, Loop, Rules, TaskEnd
from hekaton_runtime.strategies.values import Debate as Held


def is_simulated(course: list[Moment]) -> bool:
    """True if any answer came from a simulated model."""
    answers = [m.result for m in course if isinstance(m.result, Answer)]
    for moment in course:
        if isinstance(moment.result, HeardAll):
            answers += [one for one in moment.result.answers if isinstance(one, Answer)]
    return any(answer.model.startswith(PREFIX) for answer in answers)


def sitrep(
    record: Record, rules: Rules, ending: Ending, course: list[Moment], times: tuple[float, float],
    costs: tuple[tuple[CostLine, ...], tuple[CostLine, ...]], budget: Budget, artifact: Artifact | None,
) -> Sitrep:  # fmt: skip
    """`times` are start and end; `costs` are by model and by role."""
    conclusion, spec = ending.conclusion, record.mission.spec
    return Sitrep(
        mission=record.id,
        name=record.mission.metadata.name,
        goal=spec.goal,
        formation=record.formation.metadata.name,
        mode=spec.mode,
        outcome=ending.state,
        reason=ending.reason
        + (f" (no planning swarm: {conclusion.skipped})" if conclusion.skipped else ""),
        simulated=is_simulated(course) or record.options.simulation is not None,
        unsafe_no_sandbox=record.options.unsafe_no_sandbox,
        started=times[0],
        ended=times[1],
        phases=phases(course, times[1]),
        debate=debated(conclusion.debate),
        tasks=tuple(_task(end) for end in conclusion.tasks),
        verify=tuple(_verified(m.result) for m in course if _is_verify(m)),
        scores=scores(conclusion, rules),
        findings=conclusion.findings,
        cost_by_model=costs[0],
        cost_by_role=costs[1],
        budget=budget,
        savings=None,
        artifact=artifact,
        replay=f"hekaton replay {record.id}",
        next_steps=next_steps(record, ending, artifact),
        choice=f"{choice.mode}: {choice.why}" if (choice := conclusion.choice) else "",
        labels=labels(course, ending),
        tools=tools(conclusion),
    )


def phases(course: list[Moment], ended: float) -> tuple[Phase, ...]:
    """Consecutive notes of one phase are one phase; it ends where the next begins."""
    starts: list[tuple[str, float]] = []
    for moment in course:
        if isinstance(moment.effect, Note) and (not starts or starts[-1][0] != moment.effect.phase):
            starts.append((moment.effect.phase, moment.at))
    ends = [*(at for _, at in starts[1:]), ended]
    # Not strict: a mission that was stopped before its first note has an end and no phase.
    return tuple(Phase(name, at, end) for (name, at), end in zip(starts, ends, strict=False))


def debated(debate: Held | None) -> Debate | None:
    """What a plain vote would have chosen is what round 0 chose, by ballots or by what passed."""
    if debate is None:
        return None
    rounds = []
    for one in debate.rounds:
        votes = Counter(alias for _, alias in one.votes)
        tried = dict(one.passed)
        proposals = tuple(
            Proposal(alias, text, votes[alias], tried.get(alias)) for alias, text in one.proposals
        )
        rounds.append(DebateRound(proposals, one.winner))
    # Only whole answers can be executed; an approach is words.
    executed = any(one.passed for one in debate.rounds)
    return Debate(
        "whole answers" if executed else "the approach", tuple(rounds), debate.winner, plain_vote(debate), effect(debate), debate.why,
        debate.topology, debate.arbiter,
    )  # fmt: skip


def scores(conclusion: Conclusion, rules: Rules) -> Scores | None:
    """Of the last audit."""
    loop = _reviewed(conclusion)
    if loop is None or loop.review is None:
        return None
    given = loop.given or loop.review
    parts = tuple(
        _score(part, getattr(loop.review, part), getattr(given, part), weight, loop.examined)
        for part, weight in zip(PARTS, rules.weights, strict=True)
    )
    return Scores(parts, loop.score or 0.0, rules.pass_score)


def _score(part: Part, grade: int, given: int, weight: float, examined: Examined | None) -> Score:
    name = part.replace("_", " ")
    if grade == given:
        return Score(name, grade, weight)
    return Score(name, grade, weight, given, bound_by(examined, part))


def tools(conclusion: Conclusion) -> tuple[ToolLine, ...]:
    """What was executed beside acceptance in the last audit."""
    loop = _reviewed(conclusion)
    reports = loop.examined.reports if loop and loop.examined else ()
    return tuple(
        ToolLine(one.tool, one.state, one.detail, one.findings, one.more) for one in reports
    )


def _reviewed(conclusion: Conclusion) -> Loop | None:
    return next((loop for loop in reversed(conclusion.loops) if loop.review is not None), None)


def next_steps(record: Record, ending: Ending, artifact: Artifact | None) -> tuple[NextStep, ...]:
    steps = []
    if ending.resumable:
        steps.append(NextStep("Go on where it stopped.", f"hekaton resume {record.id}"))
    if ending.kind == "diverged":
        steps.append(NextStep("Resume it with the version that began it, or run its file anew."))
    if ending.kind == "budget":
        steps.append(NextStep("Raise spec.budget in the mission's file and run it anew."))
    if artifact and ending.state == "passed":
        steps.append(
            NextStep(
                "Look at the result.", f"git clone {artifact.bundle} {record.mission.metadata.name}"
            )
        )
        steps.append(NextStep("Or apply it to a checkout of yours.", f"git apply {artifact.patch}"))
    elif artifact:
        steps.append(
            NextStep(
                "Look at what there is; it did not pass.", f"git apply --stat {artifact.patch}"
            )
        )
    steps.append(
        NextStep("See its course again, without any model.", f"hekaton replay {record.id}")
    )
    return tuple(steps)


def from_outside(report: Sitrep, record: Record, ending: Ending) -> Sitrep:
    """The same for readers of a mission in a cluster, who reach no folder and no database."""
    meta = record.mission.metadata
    where = f"{meta.name} -n {meta.namespace}" if meta.namespace else meta.name
    artifact, steps = report.artifact, []
    if ending.kind == "budget":
        steps.append(NextStep("Raise spec.budget and apply the mission under another name."))
    if artifact:
        artifact = replace(artifact, patch="artifact.patch", bundle="artifact.bundle")
        steps.append(NextStep("Fetch patch, bundle and report.", f"hekaton artifact {where}"))
    steps.append(NextStep("Read what its pods said.", f"hekaton logs {where}"))
    show = f"hekaton show {where}"
    return replace(report, artifact=artifact, replay=show, next_steps=tuple(steps))


def _task(end: TaskEnd) -> TaskLine:
    goal = end.task.goal + (f" ({end.why})" if end.why else "")
    return TaskLine(end.task.id, goal, end.status, end.attempts, end.branch)


def _is_verify(moment: Moment) -> bool:
    return isinstance(moment.effect, Run) and moment.effect.acceptance


def _verified(ran: object) -> VerifyRun:
    assert isinstance(ran, Ran)
    return VerifyRun(ran.command, ran.passed, ran.seconds, ran.output)
