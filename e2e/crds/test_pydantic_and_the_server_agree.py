"""What `hekaton validate` accepts the API server accepts, and the other way round.

The one module of the promises that imports the project: it compares the two. Documents come from
right ones with up to three changes each; where both accept, they also mean the same by it.
"""

import functools
import os
from pathlib import Path
from typing import Any

import pytest
from crds.mutating import mutated
from crds.server import Server
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from hekaton_api.formation import Formation
from hekaton_api.mission import Mission
from hekaton_api.schema.definitions import schema

ROOT = Path(__file__).resolve().parents[2]
EXACT = 2**53
"""Below this the loader takes a float without a fraction for a whole number, as JSON does."""
MORE = os.environ.get("HEKATON_E2E_EXAMPLES")
"""As many examples, and others each time; without it the same two hundred."""
SEEN = settings(
    max_examples=int(MORE or 200),
    deadline=None,
    derandomize=MORE is None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@functools.cache
def spec_of(kind: type[Formation] | type[Mission]) -> dict[str, Any]:
    """The schema of a kind's spec."""
    found: dict[str, Any] = schema(kind)["properties"]["spec"]
    return found


@functools.cache
def manifests(folder: str) -> list[dict[str, Any]]:
    """Our own manifests, without what is not compared: comments, names, labels."""
    found = []
    for path in sorted((ROOT / "manifests" / folder).glob("*.yaml")):
        if not path.name.endswith(".book.yaml"):
            found += [each for each in YAML(typ="safe", pure=True).load_all(path) if each]
    return [{**each, "metadata": {"name": "same"}} for each in found]


def whole(value: Any) -> Any:
    """The document as kubectl sends it: it writes 5.0 as 5, and so does our loader read it.

    Without kubectl, a count written 5.0 is refused where the scale subresource reads it.
    """
    if isinstance(value, dict):
        return {name: whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    fits = isinstance(value, float) and value.is_integer() and abs(value) < EXACT
    return int(value) if fits else value


def agree(server: Server, kind: type[Formation] | type[Mission], document: dict[str, Any]) -> bool:
    """Whether both accept; fails where one does not, or where they read different values."""
    answer = server.dry(whole(document))
    ours, complaint = parsed(kind, document)
    if ours is None:
        assert not answer.accepted, f"only pydantic refuses: {complaint}"
        return False
    assert answer.accepted, f"only the server refuses: {answer.message}"
    there = {**document, "spec": answer.body["spec"]}
    theirs, complaint = parsed(kind, there)
    assert theirs is not None, complaint
    assert theirs.spec == ours.spec
    return True


def parsed(
    kind: type[Formation] | type[Mission], document: dict[str, Any]
) -> tuple[Formation | Mission | None, str]:
    """The object, or none and why."""
    try:
        return kind.model_validate(whole(document), by_alias=True, by_name=False), ""
    except ValidationError as error:
        return None, str(error)


@SEEN
@given(data=st.data())
def test_about_formations(
    connection: Server, formation: dict[str, Any], data: st.DataObject
) -> None:
    base = data.draw(st.sampled_from([formation, *manifests("formations")]))
    document = data.draw(mutated(base, spec_of(Formation)))
    answer = agree(connection, Formation, document)
    event("accepted" if answer else "refused")


@SEEN
@given(data=st.data())
def test_about_missions(connection: Server, mission: dict[str, Any], data: st.DataObject) -> None:
    git = {**mission, "spec": {**mission["spec"], "workspace": {"git": {"url": "https://h/x"}}}}
    base = data.draw(st.sampled_from([mission, git, *manifests("missions")]))
    document = data.draw(mutated(base, spec_of(Mission)))
    answer = agree(connection, Mission, document)
    event("accepted" if answer else "refused")


@pytest.mark.parametrize("usd", ["0.1", "0.000001", "123456.654321", "999999.999999", "1000000"])
def test_about_money_to_the_last_millionth(
    server: Server, mission: dict[str, Any], usd: str
) -> None:
    mission["spec"]["budget"]["usd"] = float(usd)
    assert agree(server, Mission, mission)
