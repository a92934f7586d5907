"""Missions begun by an earlier version go on, or `ReplayDiverged` says what to do; nobody guesses."""

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import pytest

from hekaton_api.formation import Formation
from hekaton_api.mission import Mission, Mode
from hekaton_runtime.cli.replaying import rerun
from hekaton_runtime.conductor.records import Options, Record
from hekaton_runtime.errors import ReplayDiverged
from hekaton_runtime.journal.entries import NEXT, ChoseNext, Entry, pack, unpack
from hekaton_runtime.results import Answer, Examined, Merged, Noted

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.json"))
BROKEN = (
    "A mission begun before this change cannot go on. Keep the old effects, or raise the version in"
    " crds/hekaton_api/version.py, say so in CHANGELOG.md and record anew with"
    " tests/hekaton_runtime/journals/record.py."
)


@dataclass(frozen=True)
class Recording:
    record: Record
    entries: tuple[Entry, ...]
    outcome: str
    reason: str


def recording(name: str) -> Recording:
    raw = json.loads((HERE / f"{name}.json").read_text())
    record = Record(
        name, Mission.model_validate(raw["mission"]), Formation.model_validate(raw["formation"]),
        Options(home="/nowhere"), 0,
    )  # fmt: skip
    entries = tuple(
        Entry(path, bytes.fromhex(mark), unpack(b64decode(body)))
        for path, mark, body in raw["entries"]
    )
    return Recording(record, entries, raw["outcome"], raw["reason"])


def test_every_way_of_working_is_recorded() -> None:
    recorded = {recording(name).record.mission.spec.mode for name in NAMES}
    assert recorded == set(get_args(Mode))
    assert {"repair", "trivial"} <= set(NAMES)  # a way around what the others do


def test_a_mission_that_asked_tools_is_recorded_and_those_of_earlier_editions_never_did() -> None:
    entries = {name: recording(name).entries for name in NAMES}
    asked = {name for name in NAMES if any(isinstance(e.body, Examined) for e in entries[name])}
    young = {
        name
        for name in NAMES
        if any(isinstance(e.body, Merged) and e.body.edition > 2 for e in entries[name])
    }
    assert "examined" in asked
    assert asked <= young


@pytest.mark.parametrize("name", NAMES)
async def test_a_recorded_mission_is_replayed_to_its_end_by_the_strategies_of_today(
    name: str,
) -> None:
    known = recording(name)
    try:
        _, conclusion = await rerun(known.record, known.entries)
    except ReplayDiverged as fault:
        pytest.fail(f"{fault} {BROKEN}")
    assert conclusion is not None, BROKEN
    assert (conclusion.outcome, conclusion.reason) == (known.outcome, known.reason), BROKEN


@pytest.mark.parametrize("name", NAMES)
async def test_a_mission_that_was_cut_anywhere_goes_on_from_there(name: str) -> None:
    known = recording(name)
    for length in range(0, len(known.entries), max(1, len(known.entries) // 6)):
        course, conclusion = await rerun(known.record, known.entries[:length])
        assert conclusion is None
        assert len(course.moments) <= length


async def test_the_order_of_the_rows_does_not_matter_since_each_names_its_place() -> None:
    known = recording("swarm")
    _, conclusion = await rerun(known.record, tuple(reversed(known.entries)))
    assert conclusion is not None
    assert conclusion.outcome == known.outcome


Entries = tuple[Entry, ...]


def place(entries: Entries, path: str) -> int:
    return [entry.path for entry in entries].index(path)


def other_question(entries: Entries) -> Entries:
    at = place(entries, "/2")
    return (*entries[:at], replace(entries[at], fingerprint=b"another!"), *entries[at + 1 :])


def missing(entries: Entries) -> Entries:
    return tuple(entry for entry in entries if entry.path != "/2")


def beyond_the_end(entries: Entries) -> Entries:
    last = max(int(entry.path[1:]) for entry in entries if entry.path[1:].isdigit())
    return (*entries, replace(entries[0], path=f"/{last + 1}"))


def unknown_branch(entries: Entries) -> Entries:
    return (*entries, replace(entries[0], path="/ghost/0"))


def exchanged(entries: Entries) -> Entries:
    one, two = place(entries, "/1"), place(entries, "/2")
    swapped = list(entries)
    swapped[one] = replace(entries[two], path="/1")
    swapped[two] = replace(entries[one], path="/2")
    return tuple(swapped)


def wrong_kind(entries: Entries) -> Entries:
    at = [isinstance(entry.body, Answer) for entry in entries].index(True)
    return (*entries[:at], replace(entries[at], body=Noted()), *entries[at + 1 :])


def branch_that_never_ran(entries: Entries) -> Entries:
    at = [entry.fingerprint for entry in entries].index(NEXT)
    doctored = replace(entries[at], body=ChoseNext(name="ghost"))
    return (*entries[:at], doctored, *entries[at + 1 :])


DOCTORED: dict[str, tuple[Callable[[Entries], Entries], str]] = {
    "another question": (other_question, "another version of its strategy"),
    "a missing entry": (missing, "the journal is damaged"),
    "an entry beyond the end": (beyond_the_end, "goes on where the strategy has ended"),
    "an unknown branch": (unknown_branch, "goes on where the strategy has ended"),
    "two entries exchanged": (exchanged, "another version of its strategy"),
    "an answer of another kind": (wrong_kind, "the journal is damaged"),
    "a branch that never ran": (branch_that_never_ran, "the journal is damaged"),
}


@pytest.mark.parametrize("way", DOCTORED)
async def test_a_doctored_journal_is_refused_with_its_place_and_the_next_step(way: str) -> None:
    known = recording("swarm")
    doctor, said = DOCTORED[way]
    with pytest.raises(ReplayDiverged) as caught:
        await rerun(known.record, doctor(known.entries))
    text = str(caught.value)
    assert text.startswith("/")
    assert said.lower() in text.lower()
    assert "anew" in text


def test_a_body_survives_the_journal() -> None:
    for entry in recording("swarm").entries:
        assert unpack(pack(entry.body)) == entry.body
