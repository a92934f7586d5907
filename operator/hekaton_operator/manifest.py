"""A wanted object, and whether an observed one already is as wanted. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hekaton_operator.objects import Body, Key, Kind, Meta, sort_of


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that a child is deleted with."""

    kind: Kind
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """An object as it shall be: only the fields that the operator decides."""

    key: Key
    body: Body
    once: bool = False
    """Whether it is made and then never changed."""


def owner_of(kind: Kind, meta: Meta) -> Owner:
    return Owner(kind, meta.name, meta.uid)


def manifest(
    key: Key,
    labels: Mapping[str, str],
    owner: Owner | None,
    annotations: Mapping[str, str] | None = None,
    **fields: Any,
) -> Manifest:
    """Put metadata around the fields. References carry no blockOwnerDeletion: it needs more rights."""
    meta: dict[str, Any] = {
        "name": key.name,
        "namespace": key.namespace,
        "labels": dict(labels),
    }
    if annotations:
        meta["annotations"] = dict(annotations)
    if owner:
        reference = {
            "apiVersion": sort_of(owner.kind).api_version,
            "kind": owner.kind,
            "name": owner.name,
            "uid": owner.uid,
            "controller": True,
        }
        meta["ownerReferences"] = [reference]
    api_version = sort_of(key.kind).api_version
    return Manifest(key, {"apiVersion": api_version, "kind": key.kind, "metadata": meta, **fields})


def met(observed: Body | None, wanted: Manifest) -> bool:
    """Whether an object is there and as wanted. Its type is its key's: items of a LIST do not say it."""
    fields = {k: v for k, v in wanted.body.items() if k not in ("apiVersion", "kind")}
    return observed is not None and covers(observed, fields)


def covers(observed: Any, wanted: Any) -> bool:
    """Whether every wanted leaf is there and equal; what the server adds does not matter."""
    if isinstance(wanted, Mapping):
        return isinstance(observed, Mapping) and all(
            name in observed and covers(observed[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(observed, list | tuple)
            and len(observed) == len(wanted)
            and all(covers(one, other) for one, other in zip(observed, wanted, strict=True))
        )
    return bool(observed == wanted)
