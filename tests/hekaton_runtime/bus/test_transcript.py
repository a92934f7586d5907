"""The hash chain detects whatever is done to it."""

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hekaton_runtime.bus.transcript import GENESIS, Entry, TranscriptBroken, link, verify

fields = st.tuples(
    st.text(max_size=8), st.text(max_size=8), st.sampled_from(["answered", "late", "lost"])
)


def chain(rows: list[tuple[str, str, str]]) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    head = GENESIS
    for index, (order, agent, kind) in enumerate(rows):
        entry = link(index, head, order, agent, kind, order.encode())  # type: ignore[arg-type]
        entries.append(entry)
        head = entry.hash
    return tuple(entries)


chains = st.lists(fields, min_size=2, max_size=8).map(chain)


@given(chains)
def test_an_untouched_chain_holds(entries: tuple[Entry, ...]) -> None:
    verify(entries, GENESIS, entries[-1].hash)


@given(chains, st.data())
def test_a_changed_field_is_detected(entries: tuple[Entry, ...], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(entries) - 1))
    name = data.draw(st.sampled_from(["previous", "order", "agent", "body", "hash"]))
    value = data.draw(st.text(max_size=8))
    assume(value != getattr(entries[place], name))
    changed = msgspec.structs.replace(entries[place], **{name: value})
    with pytest.raises(TranscriptBroken) as caught:
        verify((*entries[:place], changed, *entries[place + 1 :]), GENESIS, entries[-1].hash)
    assert caught.value.index == place


@given(chains, st.data())
def test_a_changed_kind_or_index_is_detected(
    entries: tuple[Entry, ...], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(entries) - 1))
    other = {"kind": "unknown"} if data.draw(st.booleans()) else {"index": place + 1}
    changed = msgspec.structs.replace(entries[place], **other)
    with pytest.raises(TranscriptBroken):
        verify((*entries[:place], changed, *entries[place + 1 :]), GENESIS)


@given(chains, st.data())
def test_a_removed_entry_is_detected(entries: tuple[Entry, ...], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(entries) - 1))
    with pytest.raises(TranscriptBroken):
        verify(entries[:place] + entries[place + 1 :], GENESIS, entries[-1].hash)


@given(chains, st.data())
def test_swapped_entries_are_detected(entries: tuple[Entry, ...], data: st.DataObject) -> None:
    one = data.draw(st.integers(0, len(entries) - 2))
    two = data.draw(st.integers(one + 1, len(entries) - 1))
    swapped = list(entries)
    swapped[one], swapped[two] = swapped[two], swapped[one]
    with pytest.raises(TranscriptBroken) as caught:
        verify(tuple(swapped), GENESIS)
    assert caught.value.index == one


@given(chains, fields, st.data())
def test_an_inserted_entry_is_detected(
    entries: tuple[Entry, ...], row: tuple[str, str, str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(entries)))
    head = entries[place - 1].hash if place else GENESIS
    forged = link(place, head, row[0], row[1], row[2], b"forged")  # type: ignore[arg-type]
    with pytest.raises(TranscriptBroken):
        verify((*entries[:place], forged, *entries[place:]), GENESIS, entries[-1].hash)


def test_another_head_before_is_detected() -> None:
    with pytest.raises(TranscriptBroken, match="follows"):
        verify(chain([("o", "a", "answered")]), "1" * 64)
