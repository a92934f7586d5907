"""The Secrets of a formation: one CURVE pair for each who talks on the bus, and the permits' key.

Pure but for the mint that it is given. What is there is kept: new pairs are made for new names only,
and all anew when the annotation hekaton.dev/rotate changes. While pods of an old revision must stay,
nothing is taken from them: what they read when they start again is what they began with.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hekaton_api.formation import FormationSpec
from hekaton_operator import names
from hekaton_operator.curve import Mint
from hekaton_operator.manifest import Manifest, manifest, owner_of
from hekaton_operator.objects import Body, Key, Meta

BROKER, CONDUCTOR = "broker", "conductor"


@dataclass(frozen=True, slots=True)
class Mints:
    """Where new keys come from."""

    pair: Mint
    permit: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Secrets:
    """Both Secrets as they shall be."""

    bus: Manifest
    permits: Manifest
    digest: str
    """Of all keys: pods that hold others are started anew."""


def talkers(spec: FormationSpec) -> tuple[str, ...]:
    """Who has a key pair."""
    return (BROKER, CONDUCTOR, *(role.name for role in spec.roles))


@dataclass(frozen=True, slots=True)
class Observed:
    """Both Secrets as they are."""

    bus: Body | None
    permits: Body | None
    hold: bool = False
    """Whether an old revision stays with them for a while."""


def planned(meta: Meta, spec: FormationSpec, there: Observed, mints: Mints) -> Secrets:
    """The Secrets, made of those that are observed as far as they are still good."""
    turns = [_turn(body, meta, there.hold) for body in (there.bus, there.permits)]
    kept, key = _kept(there.bus, turns[0]), _kept(there.permits, turns[1])
    pairs: dict[str, str] = {}
    for name in talkers(spec):
        public, secret = f"{name}.pub", f"{name}.key"
        if public in kept and secret in kept:
            pairs |= {public: kept[public], secret: kept[secret]}
        else:
            made = mints.pair()
            pairs |= {public: _encoded(made.public), secret: _encoded(made.secret)}
    permit = {"key": key["key"] if "key" in key else _encoded(mints.permit())}
    every = [*sorted(pairs.items()), *permit.items()]
    digest = hashlib.sha256("\n".join(f"{n}={v}" for n, v in every).encode()).hexdigest()[:16]
    held = {**kept, **pairs} if there.hold else pairs
    return Secrets(
        _secret(meta, names.bus_secret(meta.name), held, turns[0]),
        _secret(meta, names.permits_secret(meta.name), permit, turns[1]),
        digest,
    )


def _turn(observed: Body | None, meta: Meta, hold: bool) -> str:
    """Which asking for new keys is answered now."""
    return _rotated(observed) if observed is not None and hold else meta.rotate


def _rotated(observed: Body) -> str:
    found: str = (observed["metadata"].get("annotations") or {}).get(names.ROTATED, "")
    return found


def _kept(observed: Body | None, turn: str) -> Mapping[str, str]:
    if observed is None or _rotated(observed) != turn:
        return {}
    return observed.get("data") or {}


def _secret(meta: Meta, name: str, data: Mapping[str, str], turn: str) -> Manifest:
    return manifest(
        Key("Secret", meta.namespace, name),
        names.formation_labels(meta.name),
        owner_of("Formation", meta),
        {names.ROTATED: turn},
        type="Opaque",
        data=dict(data),
    )


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
