"""Keys of the bus (CURVE) and of permits: made once, kept in Secrets.

A CURVE pair is an X25519 pair, both halves written in Z85 (40 characters), as libzmq reads them.
"""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


@dataclass(frozen=True, slots=True)
class Pair:
    public: str
    secret: str = field(repr=False)


Mint: TypeAlias = Callable[[], Pair]
"""Makes a pair that nobody else has."""


def z85(data: bytes) -> str:
    """Write bytes, four at a time, as five characters; their number is a multiple of four."""
    written = []
    for at in range(0, len(data), 4):
        number = int.from_bytes(data[at : at + 4], "big")
        written += [Z85[number // 85**place % 85] for place in (4, 3, 2, 1, 0)]
    return "".join(written)


def pair_of(private: bytes) -> Pair:
    """The pair of 32 secret bytes."""
    key = X25519PrivateKey.from_private_bytes(private)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Pair(
        z85(public), z85(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    )


def mint() -> Pair:
    return pair_of(secrets.token_bytes(32))


def permit_key() -> str:
    """32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()
