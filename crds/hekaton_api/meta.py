"""Object metadata: what a user writes, and what the API server adds and hands back."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from hekaton_api.cel import Cel
from hekaton_api.fields import KEY, LIST, Count, Flag, Key, Label, Name, Part, Text, Time
from hekaton_api.nul import NoNul, kept_whole

KEYS = Cel(
    f"self.all(key, key.matches(r'{KEY}'))",
    "has a key that is no label's key. Write e.g. kubernetes.io/arch.",
)


def _given(value: Any) -> Any:
    """Drop entries that are null, as the API server does."""
    if not isinstance(value, dict):
        return value
    return {name: inner for name, inner in value.items() if inner is not None}


Labels: TypeAlias = Annotated[
    Mapping[Key, Label], Field(max_length=LIST), KEYS, BeforeValidator(_given)
]
Annotations: TypeAlias = Annotated[
    Mapping[Key, Annotated[str, Field(max_length=262_144), NoNul()]], Field(max_length=LIST)
]
Kept: TypeAlias = Annotated[JsonValue, AfterValidator(kept_whole)]


class Owner(Part):
    """An object that this one is deleted with."""

    api_version: Text
    """Group and version of the owner. Required."""
    kind: Text
    """Kind of the owner. Required."""
    name: Text
    """Name of the owner. Required."""
    uid: Text
    """UID of the owner. Required."""
    controller: Flag | None = None
    """Whether the owner manages this object. Set by controllers."""
    block_owner_deletion: Flag | None = None
    """Whether the owner waits for this object to be gone. Set by controllers."""


class ObjectMeta(Part):
    """Identity of an object."""

    name: Name
    """Name within the namespace: a DNS label of at most 63 characters. Required."""
    namespace: Name | None = None
    """Namespace; absent means the one of the caller."""
    labels: Labels = Field(default_factory=dict)
    """Short values to select by, at most 64. Default none."""
    annotations: Annotations = Field(default_factory=dict)
    """Notes for tools, at most 64. Default none."""
    generate_name: Text | None = None
    """Prefix that the server made the name from. Kept as the server gives it."""
    uid: Text | None = None
    """Unique in space and time. Set by the server."""
    resource_version: Text | None = None
    """Changes with every write. Set by the server."""
    generation: Count | None = None
    """Counts the changes of spec. Set by the server."""
    creation_timestamp: Time | None = None
    """When the object was made, RFC 3339. Set by the server."""
    deletion_timestamp: Time | None = None
    """When deletion was asked for, RFC 3339. Set by the server."""
    deletion_grace_period_seconds: Count | None = None
    """Seconds until deletion. Set by the server."""
    self_link: Text | None = None
    """Address of the object. Set by old servers."""
    finalizers: Annotated[tuple[Text, ...], Field(max_length=LIST)] = ()
    """Who must agree before the object is gone, at most 64. Default none."""
    owner_references: Annotated[tuple[Owner, ...], Field(max_length=LIST)] = ()
    """Objects that this one is deleted with, at most 64. Default none."""
    managed_fields: Annotated[tuple[Kept, ...], Field(max_length=1024)] = ()
    """The server's record of who set which field; not interpreted. Default none."""
