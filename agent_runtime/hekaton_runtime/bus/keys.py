"""The keys that broker and peers hold, as values; `curve` makes, saves and loads them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A named CURVE key pair, Z85 text; the secret is never shown."""

    name: str
    public: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A public key that may connect, and whose it is."""

    name: str
    public: str


@dataclass(frozen=True, slots=True)
class BrokerKeys:
    """The broker's own pair and everybody it lets in."""

    own: KeyPair
    admitted: tuple[Admitted, ...]


@dataclass(frozen=True, slots=True)
class PeerKeys:
    """An agent's or a conductor's own pair, and the broker's public key."""

    own: KeyPair
    broker: str
