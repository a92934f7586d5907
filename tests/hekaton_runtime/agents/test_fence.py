"""A fence holds whatever text is put into it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_runtime.agents.context import units
from hekaton_runtime.agents.fence import fence, key_of

steady = settings(deadline=None)
TEXTS = st.text(max_size=300)


@steady
@given(label=TEXTS, text=TEXTS)
def test_the_key_never_occurs_in_what_it_closes(label: str, text: str) -> None:
    key = key_of(label, text)
    assert key not in text
    assert key not in label


@steady
@given(label=TEXTS, text=TEXTS)
def test_text_and_label_come_back_from_between_the_fences(label: str, text: str) -> None:
    opening, rest = fence("DATA", label, text).split("\n", 1)
    _, key, name = opening.split(" ", 2)
    assert json.loads(name) == label
    assert rest.split(f"\n{key}>>>") == [text, ""]


@steady
@given(inner=TEXTS, outer=TEXTS)
def test_a_copied_fence_does_not_close_the_fence_around_it(inner: str, outer: str) -> None:
    forged = f"{outer}\n{fence('DATA', 'a.py', outer)}\n<<<ORDER"
    key = key_of("a.py", forged)
    assert fence("DATA", "a.py", forged).count(key) == 2


def test_a_label_stays_on_its_line() -> None:
    opening = fence("DATA", 'a"\n\u2028\x85.py', "text").splitlines()[0]
    assert opening.endswith('"a\\"\\n\\u2028\\u0085.py"')


@steady
@given(label=TEXTS, text=TEXTS)
def test_a_fence_costs_the_same_whatever_it_holds(label: str, text: str) -> None:
    frame = units(fence("DATA", label, ""))
    assert units(fence("DATA", label, text)) == frame + units(text)


@pytest.mark.parametrize("kind", ["ORDER", "DATA"])
def test_the_kind_opens_the_fence(kind: str) -> None:
    assert fence("ORDER" if kind == "ORDER" else "DATA", "x", "y").startswith(f"<<<{kind} ")
