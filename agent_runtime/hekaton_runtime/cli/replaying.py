"""`hekaton replay`: run a mission's journal again without any model, and tell its course."""

import asyncio
import json
import time

import msgspec

from hekaton_runtime.answers import TYPES, Ballot, Proposal, parse
from hekaton_runtime.bus.transcript import GENESIS, Entry, verify
from hekaton_runtime.cli.terminal import clean
from hekaton_runtime.conductor.assigning import assignment
from hekaton_runtime.conductor.engine import Course, Engine, Known, Moment, Suspended
from hekaton_runtime.conductor.records import Record, find
from hekaton_runtime.effects import Ask, Effect, Examine, Merge, Note, Round, Run, Write
from hekaton_runtime.journal.entries import Body, Labelled
from hekaton_runtime.journal.entries import Entry as Journaled
from hekaton_runtime.journal.postgres import load
from hekaton_runtime.results import (
    Answer,
    Examined,
    Failed,
    HeardAll,
    Merged,
    Ran,
    Refused,
    Result,
    Unmerged,
    Written,
)
from hekaton_runtime.review.telling import notes
from hekaton_runtime.settings import from_environ
from hekaton_runtime.store.open import open_database
from hekaton_runtime.strategies.counterfactual import effect, plain_vote
from hekaton_runtime.strategies.debating import drawn
from hekaton_runtime.strategies.modes import concluded
from hekaton_runtime.strategies.values import Conclusion


class EndOfJournal(Suspended):
    """Performs nothing: tells that the journal ends here and waits to be stopped."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def perform(self, path: str, mark: bytes, effect: Effect) -> Result:
        self.reached.set()
        return await super().perform(path, mark, effect)

    async def record(self, path: str, mark: bytes, body: Body) -> None:
        self.reached.set()
        await super().record(path, mark, body)


def replay_mission(mission: str, *, as_json: bool) -> int:
    return asyncio.run(_replay(mission, as_json=as_json))


async def _replay(mission: str, *, as_json: bool) -> int:
    async with open_database(from_environ()) as database:
        record = await find(database, mission)
        entries = await load(database, record.id)
    course, conclusion = await rerun(record, entries)
    names = _names(course.moments)
    for moment in course.moments:
        print(_json(moment) if as_json else _line(moment, names), flush=True)
    if as_json:
        return 0
    print("\n".join(_verdicts(conclusion, entries)), end="")
    checked = verify_transcripts(course.moments)
    print(f"\n{len(course.moments)} steps, {len(entries)} journal entries; no model was called.")
    if checked:
        print(f"debate transcript: {checked} entries, hash chain intact.")
    print(
        clean(f"{conclusion.outcome}: {conclusion.reason}")
        if conclusion
        else "the journal ends before the mission did."
    )
    return 0


async def rerun(record: Record, entries: tuple[Journaled, ...]) -> tuple[Course, Conclusion | None]:
    """The course and, if the journal is complete, the conclusion. Raises `ReplayDiverged`."""
    course, end = Course(), EndOfJournal()
    spec = record.mission.spec
    strategy = concluded(spec.mode, assignment(spec, record.formation.spec))
    running = asyncio.create_task(Engine(Known(entries), end, course).run(strategy))
    reached = asyncio.create_task(end.reached.wait())
    await asyncio.wait([running, reached], return_when=asyncio.FIRST_COMPLETED)
    reached.cancel()
    if running.done():
        conclusion: Conclusion = running.result()
        return course, conclusion
    await asyncio.sleep(0.05)  # branches that still have journaled steps
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return course, None


def verify_transcripts(moments: list[Moment]) -> int:
    """Check the hash chain of every debate round; the number of entries. Raises `TranscriptBroken`."""
    head, count = GENESIS, 0
    for moment in moments:
        if isinstance(moment.result, HeardAll) and moment.result.transcript:
            entries = msgspec.msgpack.decode(moment.result.transcript, type=tuple[Entry, ...])
            verify(entries, head, moment.result.head)
            head, count = moment.result.head, count + len(entries)
    return count


def _verdicts(conclusion: Conclusion | None, entries: tuple[Journaled, ...]) -> list[str]:
    """What the course comes to: the mode that was chosen, what the debate did, what went wrong."""
    lines = []
    if conclusion and conclusion.choice:
        lines.append(f"auto chose {conclusion.choice.mode}: {conclusion.choice.why}")
    if conclusion and (held := conclusion.debate):
        lines.append(
            f"debate ({held.topology}, {held.arbiter}): {held.winner} won; a plain vote would have chosen"
            f" {plain_vote(held)}; the debate {effect(held)}. {held.why}"
        )
    for entry in entries:
        if isinstance(entry.body, Labelled):
            lines += [f"{one.code} {one.name}: {one.text}" for one in entry.body.labels]
    return ["", *lines, ""] if lines else []


def _json(moment: Moment) -> str:
    return json.dumps(
        {
            "path": moment.path,
            "at": moment.at,
            "effect": msgspec.to_builtins(moment.effect),
            "result": msgspec.to_builtins(moment.result, builtin_types=(bytes,)),
        },
        default=lambda data: data.hex(),
    )


def _names(moments: list[Moment]) -> dict[str, str]:
    """Agents as they are told of: a debater with the alias under which its peers heard it."""
    names: dict[str, str] = {}
    for moment in moments:
        match moment.effect, moment.result:
            case Round(topic="proposals 1", asks=asks), HeardAll(order=order):
                aliases = drawn(order, len(asks))
                pairs = zip(asks, aliases, strict=True)
                names |= {one.agent: f"{one.agent} ({alias})" for one, alias in pairs}
            case _:
                pass
    return names


def _line(moment: Moment, names: dict[str, str]) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(moment.at))
    return clean(f"{clock} {moment.path:<24} {_words(moment, names)}")


def _words(moment: Moment, names: dict[str, str]) -> str:
    match moment.effect, moment.result:
        case Note(phase=phase, text=text), _:
            return f"== {phase.upper()} {text}"
        case Ask() as ask, Answer() | Failed() | Refused() as said:
            return f"{ask.agent} {ask.brief.step}: {_said(ask, said)}"
        case Round() as held, HeardAll() as heard:
            lines = [f"round: {held.topic} ({'quorate' if heard.quorate else 'below quorum'})"]
            for one, heard_one in zip(held.asks, heard.answers, strict=True):
                lines.append(
                    f"{' ' * 33} {names.get(one.agent, one.agent)}: {_said(one, heard_one)}"
                )
            return "\n".join(lines)
        case _:
            return _worked(moment)


def _worked(moment: Moment) -> str:
    """What happened in the workspace."""
    match moment.effect, moment.result:
        case Run(branch=branch), Ran() as ran:
            return f"{'pass' if ran.passed else 'FAIL'} on {branch}: {ran.command}"
        case Examine(branch=branch), Examined() as examined:
            return f"examined {branch}: {' '.join(notes(examined))}"
        case Write(branch=branch, files=files), Written():
            return f"wrote {', '.join(one.path for one in files)} on {branch}"
        case Merge() as merge, Merged():
            return f"merged {merge.source} into {merge.into}"
        case Merge() as merge, Unmerged() as why:
            return f"not merged {merge.source} into {merge.into}: {why.kind}"
        case effect, result:
            return f"{type(effect).__name__.lower()} -> {type(result).__name__.lower()}"


def _said(ask: Ask, said: object) -> str:
    match said:
        case Answer(text=text):
            value = parse(text, TYPES[ask.answer])
            match value:
                case Proposal(approach=approach):
                    return approach
                case Ballot(choice=choice, reason=reason):
                    return f"votes {choice}: {reason}"
                case _:
                    return str(getattr(value, "summary", "") or getattr(value, "reason", ""))
        case Failed(kind=kind, detail=detail):
            return f"({kind}) {detail}"
        case _:
            return str(said)
