"""What the operator asks of the API server, whoever carries it out."""

from collections.abc import Mapping
from typing import Any, Protocol

from hekaton_operator.manifest import Manifest
from hekaton_operator.objects import Body, Key


class Writer(Protocol):
    """Writes one object. Each answers with the object as it now is.

    Raises `Refused` when it will be refused again, `Gone` when there is nothing to write to, `Stale`
    when somebody wrote in between, `Away` when another try may do.
    """

    async def apply(self, manifest: Manifest, guarded: bool) -> Body:
        """Server-side apply; `guarded`: never take over an object that somebody else made."""

    async def apply_status(self, key: Key, status: Mapping[str, Any]) -> Body:
        """Server-side apply on the status subresource."""

    async def merge(self, key: Key, change: Mapping[str, Any]) -> Body:
        """Merge patch."""

    async def delete(self, key: Key, uid: str, grace: int | None) -> None:
        """Delete in the background; no error when it is gone already."""
