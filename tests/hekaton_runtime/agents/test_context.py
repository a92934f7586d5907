"""The planner keeps to its budget and gives up the least important text first."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_runtime.agents.context import Item, Part, PartName, cost, fit, marker, units

steady = settings(deadline=None)
NAMES: tuple[PartName, ...] = ("goal", "findings", "files", "tree")
TEXTS = st.text(max_size=40) | st.builds(lambda t, n: t * n, st.text(max_size=9), st.just(90))
ITEMS = st.lists(st.builds(Item, st.text(max_size=5), TEXTS, st.integers(0, 60)), max_size=5)
PARTS = st.tuples(
    *(st.builds(Part, st.just(name), ITEMS.map(tuple), st.integers(0, 60)) for name in NAMES)
)
BUDGETS = st.integers(-100, 4000)


@steady
@given(parts=PARTS, budget=BUDGETS)
def test_what_is_kept_never_exceeds_the_budget(parts: tuple[Part, ...], budget: int) -> None:
    kept = fit(parts, budget).parts
    assert sum(map(cost, kept)) <= max(budget, 0)


@steady
@given(parts=PARTS, budget=BUDGETS)
def test_nothing_is_cut_while_something_less_important_is_there(
    parts: tuple[Part, ...], budget: int
) -> None:
    fitted = fit(parts, budget)
    cut = [index for index, part in enumerate(parts) if fitted.parts[index] != part]
    for index in cut[:1]:
        assert all(not part.items for part in fitted.parts[index + 1 :])


@steady
@given(parts=PARTS, budget=BUDGETS)
def test_a_part_loses_items_from_its_end_only(parts: tuple[Part, ...], budget: int) -> None:
    for part, kept in zip(parts, fit(parts, budget).parts, strict=True):
        whole = kept.items[:-1]
        assert whole == part.items[: len(whole)]
        if kept.items and kept.items[-1] != part.items[len(whole)]:
            assert "[cut: " in kept.items[-1].text


@steady
@given(parts=PARTS, budget=BUDGETS)
def test_every_lost_character_is_reported(parts: tuple[Part, ...], budget: int) -> None:
    fitted = fit(parts, budget)
    markers = sum(len(marker(cut.characters)) for cut in fitted.cuts if not cut.whole)
    before = sum(len(item.text) for part in parts for item in part.items)
    after = sum(len(item.text) for part in fitted.parts for item in part.items)
    assert before - after == sum(cut.characters for cut in fitted.cuts) - markers


@steady
@given(parts=PARTS, budget=BUDGETS)
def test_no_item_is_left_out_that_had_room(parts: tuple[Part, ...], budget: int) -> None:
    fitted = fit(parts, budget)
    if fitted.cuts and fitted.cuts[-1].whole:
        (part,) = (part for part in parts if part.name == fitted.cuts[-1].part)
        index = parts.index(part)
        kept = fitted.parts[index].items
        fuller = replace(part, items=part.items[: len(kept) + 1])
        others = fitted.parts[:index] + fitted.parts[index + 1 :]
        assert sum(map(cost, (*others, fuller))) > budget


@steady
@given(parts=PARTS)
def test_nothing_is_cut_when_everything_fits(parts: tuple[Part, ...]) -> None:
    fitted = fit(parts, sum(map(cost, parts)))
    assert fitted.parts == parts
    assert fitted.cuts == ()


@steady
@given(parts=PARTS, budget=BUDGETS)
def test_the_plan_is_deterministic(parts: tuple[Part, ...], budget: int) -> None:
    assert fit(parts, budget) == fit(parts, budget)


@steady
@given(left=st.text(), right=st.text())
def test_the_measure_is_additive(left: str, right: str) -> None:
    assert units(left + right) == units(left) + units(right)


@steady
@given(text=st.text())
def test_the_measure_lies_between_half_and_one_token_a_byte(text: str) -> None:
    size = len(text.encode())
    assert size <= units(text) <= 2 * size


def test_a_long_item_is_shortened_and_says_by_how_much() -> None:
    item = Item("a.py", "word " * 200, 0)
    fitted = fit((Part("files", (item,), 0),), 400)
    (kept,) = fitted.parts[0].items
    (cut,) = fitted.cuts
    assert kept.text.endswith(f"[cut: {cut.characters} characters]")
    assert str(cut) == f"files 'a.py' shortened by {cut.characters} characters"


def test_an_item_without_a_name_is_told_of_by_its_part() -> None:
    fitted = fit((Part("findings", (Item("", "word " * 200, 0),), 0),), 400)
    (cut,) = fitted.cuts
    assert str(cut) == f"findings shortened by {cut.characters} characters"


def test_an_item_of_which_little_would_remain_goes_as_a_whole() -> None:
    item = Item("a.py", "word " * 200, 0)
    fitted = fit((Part("files", (item,), 0),), 100)
    assert fitted.parts[0].items == ()
    assert str(fitted.cuts[0]) == "files 'a.py' left out"
