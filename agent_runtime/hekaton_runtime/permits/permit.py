"""Permission for one model call: signed by the conductor, carried by an agent, checked by the router.

Pure. A permit is `base64url(claims as JSON) . base64url(HMAC-SHA256 of the first part)`. Whoever
lacks the key can neither make one nor widen one, and each text has exactly one spelling.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Annotated

import msgspec
from msgspec import Meta

LONGEST = 4096
"""Characters of a permit."""
NOT_OURS = "The permit was not signed with the key that this router has; one of the two is being renewed, or it is forged."
Word = Annotated[str, Meta(min_length=1, max_length=512)]


class Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one call may do."""

    mission: Word
    call: Word
    """Its id within the mission: a permit is good for one answer."""
    role: Word
    model: Word
    """The model's name in the formation."""
    max_tokens: Annotated[int, Meta(ge=1)]
    """The longest answer that the ledger holds a reservation for."""
    expires: int
    """Seconds since 1970."""


class Refused(ValueError):
    """The permit does not allow this; `status` is HTTP's: 401 for no valid permit, 403 for too little,
    503 for one of another key, which is renewed now and then: whoever signed may come again."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


def sign(claims: Claims, key: bytes) -> str:
    """Make the permit of these claims."""
    body = _written(msgspec.json.encode(claims))
    return f"{body}.{_written(_seal(body, key))}"


def read(permit: str, key: bytes, now: float) -> Claims:
    """The claims of a permit that this key signed and that has not expired; raises `Refused`."""
    body, _, seal = permit.partition(".")
    if not seal or len(permit) > LONGEST:
        raise Refused(401, "This is no permit; agents get one with each order.")
    if not hmac.compare_digest(
        _written(_seal(body, key)).encode(), seal.encode("utf-8", "replace")
    ):
        raise Refused(503, NOT_OURS)
    try:
        claims = msgspec.json.decode(_plain(body), type=Claims)
    except (msgspec.DecodeError, binascii.Error, ValueError) as fault:
        raise Refused(401, "The permit was signed, yet it cannot be read.") from fault
    if now >= claims.expires:
        late = now - claims.expires
        raise Refused(401, f"The permit of call {claims.call!r} expired {late:.0f} s ago.")
    return claims


def why_not(claims: Claims, model: str, max_tokens: int | None) -> str:
    """Why a request goes beyond its permit; empty when it does not."""
    if model != claims.model:
        return f"The permit is for model {claims.model!r}, not for {model!r}."
    if max_tokens is None or max_tokens > claims.max_tokens:
        asked = "no max_tokens" if max_tokens is None else f"max_tokens {max_tokens}"
        return f"The permit allows max_tokens {claims.max_tokens}; the request has {asked}."
    return ""


def _seal(body: str, key: bytes) -> bytes:
    return hmac.new(key, body.encode("utf-8", "replace"), hashlib.sha256).digest()


def _written(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _plain(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
