"""The Secrets of a formation: one CURVE pair for each who talks on the bus, and the permits' key.

Pure but for the mint that it is given. What is there is kept: new pairs are made for new names only,
and all anew when the annotation hekaton.dev/rotate changes.
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


def planned(
    meta: Meta, spec: FormationSpec, bus: Body | None, permits: Body | None, mints: Mints
) -> Secrets:
    """The Secrets, made of those that are observed as far as they are still good."""
    kept, key = _kept(bus, meta.rotate), _kept(permits, meta.rotate)
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
    return Secrets(
        _secret(meta, names.bus_secret(meta.name), pairs),
        _secret(meta, names.permits_secret(meta.name), permit),
        digest,
    )


def _kept(observed: Body | None, rotate: str) -> Mapping[str, str]:
    if observed is None:
        return {}
    annotations = observed["metadata"].get("annotations") or {}
    return (observed.get("data") or {}) if annotations.get(names.ROTATED, "") == rotate else {}


def _secret(meta: Meta, name: str, data: Mapping[str, str]) -> Manifest:
    return manifest(
        Key("Secret", meta.namespace, name),
        names.formation_labels(meta.name),
        owner_of("Formation", meta),
        {names.ROTATED: meta.rotate},
        type="Opaque",
        data=dict(data),
    )


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
