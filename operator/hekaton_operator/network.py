"""Pieces of NetworkPolicies that formations and missions share. Pure."""

from collections.abc import Mapping
from typing import Any

DNS: dict[str, Any] = {
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}
"""Leave to ask for names, wherever the cluster's name server runs."""


def ports(*numbers: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": number} for number in numbers]


def selected(labels: Mapping[str, str]) -> dict[str, Any]:
    """Pods of the same namespace."""
    return {"podSelector": {"matchLabels": dict(labels)}}
