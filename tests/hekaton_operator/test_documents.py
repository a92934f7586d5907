"""A mission as its conductor reads it says what the mission says, whatever stands in its texts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hekaton_api.load import parse
from hekaton_operator.mission.document import document

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(texts, values, min_size=1, max_size=5))
def test_what_is_written_is_read_again(value: dict[str, Any]) -> None:
    assert YAML(typ="safe", pure=True).load(document(value)) == value


@pytest.mark.parametrize("text", ["no", "1e3", "~", "2026-11-21", "a: b", "- x", "#", "'", "\x85", "\u2028", "😀\n"])  # fmt: skip
def test_a_text_stays_that_text(text: str) -> None:
    assert YAML(typ="safe", pure=True).load(document({"goal": text})) == {"goal": text}


def test_the_runtime_reads_it_without_complaint() -> None:
    mission: dict[str, Any] = {
        "apiVersion": "hekaton.dev/v1alpha1",
        "kind": "Mission",
        "metadata": {"name": "a"},
        "spec": {
            "goal": "Tabs\tand\nlines\n",
            "formation": "crew",
            "workspace": {"files": [{"path": "x.py", "content": "a = 'b'\n\n\n# \x7f\n"}]},
            "acceptance": {"commands": ["true"]},
            "budget": {"tokens": 1000, "usd": 1.5},
        },
    }
    (found,) = parse(document(mission), "mission.yaml")
    spec = json.loads(found.model_dump_json(by_alias=True))["spec"]
    assert spec["workspace"]["files"][0]["content"] == "a = 'b'\n\n\n# \x7f\n"
    assert spec["goal"] == "Tabs\tand\nlines\n"
