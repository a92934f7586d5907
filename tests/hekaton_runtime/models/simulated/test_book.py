"""The answer book: finding entries, and saying all that is wrong with one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_runtime.answers import Patch
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.book import Book, Entry
from hekaton_runtime.models.simulated.book_yaml import dump, load

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(
        ["a\n", "a\nb", " a\n b\n\nc\n", "---\n...\n", "\n\n", "x: y\n- z", "yes", "1e3"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def test_the_longest_match_wins_and_then_the_first() -> None:
    value = {"text": 1}
    short, long, twin = (
        Entry("short", "sum", {"x": value}),
        Entry("long", "sum of squares", {"x": value}),
        Entry("twin", "give the digit", {"x": value}),
    )
    book = Book((short, twin, long))
    assert book.find("Write the sum of squares.", "x") == long
    assert book.find("Write the sum.", "x") == short
    assert book.find("give the digit sum of squares", "x") == twin
    assert book.find("Write.", "x") is None


def test_an_entry_that_knows_the_answer_goes_before_a_longer_match() -> None:
    plan = Entry(
        "mission", "Build", {"plan": {"summary": "s", "tasks": [{"id": "a", "goal": "g"}]}}
    )
    task = Entry("task", "Write the parser", {"x": 1})
    book = Book((plan, task))
    assert book.find("Build. Write the parser.", "plan") == plan
    assert book.find("Build. Write the parser.", "x") == task
    assert book.find("Build. Write the parser.", "ballot") == task


def test_all_that_is_wrong_with_a_book_is_said_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        Book(
            (
                Entry("a", "x", {"patch": {"files": []}}),
                Entry("a", " ", {}, {"plan": ({"summary": 1},)}),
            )
        )
    said = "\n".join(caught.value.reasons)
    for part in (
        "Entry 1 ('a'): answers.patch: not a valid patch",
        "Entry 2 ('a'): key is used before",
        "Entry 2 ('a'): match is empty",
        "Entry 2 ('a'): answers is empty",
        "Entry 2 ('a'): wrong.plan has no right answer",
        "Entry 2 ('a'): wrong.plan[0]: not a valid plan",
    ):
        assert part in said
    assert len(caught.value.reasons) == 6


def test_an_unknown_answer_may_be_any_json() -> None:
    assert Book((Entry("a", "x", {"digits": [1, 2]}),)).entries


def test_a_book_is_read_from_yaml(patch: Patch) -> None:
    text = """
entries:
  - key: sums          # a comment
    match: Write total().
    answers:
      patch:
        summary: Adds total().
        files:
          - path: app/sums.py
            content: |
              def total(numbers):
                  return sum(numbers)
    wrong:
      patch:
        - files: [{path: app/sums.py, content: "total = None"}]
"""
    (entry,) = load(text).entries
    assert (entry.key, entry.match) == ("sums", "Write total().")
    assert entry.answers["patch"]["files"][0]["content"].endswith("    return sum(numbers)\n")
    assert entry.wrong["patch"][0]["files"][0]["content"] == "total = None"


def test_a_dumped_book_is_readable_code(book: Book) -> None:
    text = dump(book)
    assert "          return sum(numbers)  # exact\n" in text
    assert dump(load(text)) == text


@settings(deadline=None, max_examples=60)
@given(st.lists(JSON, min_size=1, max_size=3), JSON)
def test_any_book_survives_dumping_and_loading(wrong: list[object], right: object) -> None:
    book = Book((Entry("k: 1", "- m\n'\"", {"any": right}, {"any": tuple(wrong)}),))
    again = load(dump(book))
    assert dump(again) == dump(book)
    assert plain(again.entries[0].answers["any"]) == right
    assert plain(again.entries[0].wrong["any"]) == wrong


def plain(value: object) -> object:
    """YAML lists are read as tuples."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("", ["b.yaml: holds 0 documents; write one with 'entries:'."]),
        ("a: [", ["b.yaml:1:  is not YAML"]),
        ("- 1", ["b.yaml:1: has no list 'entries'"]),
        ("entries: []\nmore: 1", ["b.yaml:2: 'more' is no field"]),
        ("entries:\n- 7", ["b.yaml:2: entries[0] is no mapping"]),
        (
            "entries:\n- key: 12\n  match: m\n  anwsers: {}",
            [
                "b.yaml:4: entries[0].anwsers is no field of an entry",
                "b.yaml:2: entries[0] lacks 'answers'",
                "b.yaml:2: entries[0].key is 12; give text",
            ],
        ),
        (
            "entries:\n- {key: k, match: m, answers: 3}",
            ["b.yaml:2: entries[0].answers is no mapping"],
        ),
        (
            "entries:\n- key: k\n  match: m\n  answers: {x: 1}\n  wrong:\n    x: 2",
            ["b.yaml:6: entries[0].wrong.x is no list"],
        ),
        (
            "entries:\n- {key: k, match: m, answers: {triage: {}}}",
            ["b.yaml: Entry 1 ('k'): answers.triage: not a valid triage"],
        ),
    ],
)
def test_a_book_that_cannot_be_read_says_where(text: str, reasons: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        load(text, "b.yaml")
    assert len(caught.value.reasons) == len(reasons)
    for said, begin in zip(caught.value.reasons, reasons, strict=True):
        assert said.startswith(begin.replace(":  is", ": is")) or said.startswith(begin)
