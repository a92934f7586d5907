"""The store keeps the newest version of what exists, in whatever order it hears of it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hekaton_operator.names import MISSION
from hekaton_operator.objects import Key, version_of
from hekaton_operator.store import Store

JOB = Key("Job", "team", "j")


def body(version: int, uid: str = "u", **more: Any) -> dict[str, Any]:
    labels = {MISSION: "m", "app.kubernetes.io/component": "mission"}
    meta = {"name": "j", "namespace": "team", "uid": uid, "labels": labels}
    return {"metadata": {**meta, "resourceVersion": str(version)}, **more}


@given(st.permutations(range(1, 7)))
def test_the_newest_version_wins_in_any_order(order: list[int]) -> None:
    store = Store()
    for version in order:
        store.put(JOB, body(version))
    found = store.get(JOB)
    assert found is not None
    assert version_of(found) == 6


def test_a_late_answer_does_not_bring_a_deleted_object_back() -> None:
    store = Store()
    store.put(JOB, body(5))
    store.drop(JOB, "u", 7)
    assert not store.put(JOB, body(6))
    assert store.get(JOB) is None
    assert store.children(Key("Mission", "team", "m")) == {}


def test_an_object_whose_label_came_back_is_known_again() -> None:
    store = Store()
    store.put(JOB, body(5))
    store.drop(JOB, "u", 7)
    assert store.put(JOB, body(8))


def test_a_successor_of_the_same_name_outlives_the_deletion_of_its_predecessor() -> None:
    store = Store()
    store.put(JOB, body(5))
    store.put(JOB, body(9, uid="other"))
    store.drop(JOB, "u", 8)
    found = store.get(JOB)
    assert found is not None
    assert found["metadata"]["uid"] == "other"


def test_children_are_found_by_their_labels() -> None:
    store = Store()
    store.put(JOB, body(1))
    assert set(store.children(Key("Mission", "team", "m"))) == {JOB}


def test_what_no_decision_reads_is_not_kept() -> None:
    store = Store()
    store.put(JOB, body(1, spec={"suspend": True, "template": {"big": 1}}))
    found = store.get(JOB)
    assert found is not None
    assert found["spec"] == {"suspend": True}
