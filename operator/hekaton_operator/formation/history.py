"""The history of a formation: a ControllerRevision for each revision, numbered as a StatefulSet's are. Pure.

The wanted revision has the highest number. One that a rollback brings back gets a new number and no
new object: what a revision is made of never changes, and its name is a hash of it. Nothing reads the
history but people, so it may be deleted at any time; what still stands is then written down again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hekaton_operator.actions import Action, Apply, Delete
from hekaton_operator.formation.blueprint import Blueprint
from hekaton_operator.formation.children import controller_revision
from hekaton_operator.formation.revision import content
from hekaton_operator.formation.view import View, sets
from hekaton_operator.objects import Key, Meta, controller_of


@dataclass(frozen=True, slots=True)
class Past:
    """A revision that is written down."""

    key: Key
    uid: str
    number: int
    ours: bool
    """Whether this very formation owns it, rather than nobody, or one that had the name before."""
    deleting: bool


def history(view: View, plan: Blueprint) -> Iterator[Action]:
    """Write down what is wanted, and forget what is too old. Nothing where the history is right."""
    known = past(view)
    yield from _numbered(view.meta, plan, known)
    alive = living(view, plan)
    old = [one for one in known if one.ours and not one.deleting and one.key.name not in alive]
    kept = plan.spec.revision_history_limit
    for each in old[: max(0, len(old) - kept)]:
        yield Delete(each.key, each.uid)


def past(view: View) -> tuple[Past, ...]:
    """What is written down, oldest first."""
    found = (
        Past(
            key,
            body["metadata"].get("uid", ""),
            body.get("revision", 0),
            controller_of(body) == view.meta.uid,
            "deletionTimestamp" in body["metadata"],
        )
        for key, body in view.children.items()
        if key.kind == "ControllerRevision"
    )
    return tuple(sorted(found, key=lambda each: (each.number, each.key)))


def living(view: View, plan: Blueprint) -> frozenset[str]:
    """Revisions that are wanted, or that a StatefulSet, a pod or a mission still holds."""
    standing = (each.name for each in sets(view))
    running = (pod.revision for pod in view.pods)
    return frozenset((plan.revision, *standing, *running, *view.use.revisions))


def _numbered(meta: Meta, plan: Blueprint, known: tuple[Past, ...]) -> Iterator[Action]:
    own = next((each for each in known if each.key.name == plan.revision), None)
    numbers = [each.number for each in known if each.ours and each is not own]
    highest = max(numbers, default=0)
    if own is None or not own.ours or own.number <= highest:
        yield Apply(controller_revision(meta, plan.revision, content(plan.spec), highest + 1))
