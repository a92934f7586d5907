"""Small formations and missions as a user would apply them, for suites whose models nobody asks."""

import json
from typing import Any

Object = dict[str, Any]
MODEL = {"name": "m", "engine": "external", "endpoint": "http://127.0.0.1:9/v1"}


def formation(name: str, *roles: str, **spec: Any) -> Object:
    """A team on an endpoint that nobody listens at."""
    team = [{"name": role, "role": role, "model": "m"} for role in roles or ("sapper", "auditor")]
    return _object("Formation", name, {"models": [MODEL], "roles": team, **spec})


def mission(name: str, team: str, **spec: Any) -> Object:
    """A goal for one builder in an empty workspace."""
    usual = {
        "goal": "Make it pass.",
        "formation": team,
        "mode": "single",
        "workspace": {"files": []},
        "acceptance": {"commands": ["true"]},
        "budget": {"tokens": 1000, "usd": 1},
    }
    return _object("Mission", name, {**usual, **spec})


def together(*objects: Object) -> str:
    """As one document, for `kubectl apply -f -`."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def _object(kind: str, name: str, spec: Object) -> Object:
    return {
        "apiVersion": "hekaton.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
