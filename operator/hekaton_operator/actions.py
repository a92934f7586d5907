"""What a reconcile asks the shell to do. A closed union; nothing here does anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from hekaton_operator.manifest import Manifest
from hekaton_operator.objects import Key
from hekaton_operator.tenancy import Tenant


@dataclass(frozen=True, slots=True)
class Apply:
    """Make an object as its manifest says."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Merge:
    """Change single fields of an object whose other fields can no longer be changed."""

    key: Key
    change: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object, and what it owns in the background."""

    key: Key
    uid: str
    """Of the very object that is meant; its successor of the same name is left alone."""
    grace: int | None = None
    """Seconds its pods get; None leaves them their own."""


@dataclass(frozen=True, slots=True)
class Enlist:
    """Make sure of a namespace's role in the database."""

    tenant: Tenant
    waits: bool
    """Whether what follows waits for a database that does not answer."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Ask whoever conducts a mission to stop it for good."""

    mission: str
    reason: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Copy the papers of an ended mission from the database into a ConfigMap."""

    mission: str
    manifest: Manifest
    """The ConfigMap, still without its papers."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Record an Event about an object."""

    about: Key
    uid: str
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


Action: TypeAlias = Apply | Merge | Delete | Enlist | Halt | Publish | Tell


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reconcile decided."""

    actions: tuple[Action, ...] = ()
    """In this order."""
    status: Mapping[str, Any] | None = None
    """The status as it shall be; None leaves it alone."""
    again: float | None = None
    """Seconds after which to look again though nothing happened."""
    admits: str = ""
    """Replica on which this gives a mission a place; empty when it gives none."""
