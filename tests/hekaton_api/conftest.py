"""Documents that are right, to be made wrong one field at a time, and a reader of findings."""

from collections.abc import Callable
from typing import Any

import pytest

from hekaton_api.errors import Finding, Invalid
from hekaton_api.load import Object, parse

FORMATION = """\
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata:
  name: team
spec:
  models:
    - name: big
      engine: external
      endpoint: http://127.0.0.1:8000/v1
    - name: far
      engine: api
      apiModel: gemini/gemini-2.5-pro
      credentials: {env: GEMINI_API_KEY}
  roles:
    - {name: researcher, role: researcher, model: big, instances: 3}
    - {name: sapper, role: sapper, model: big}
    - {name: auditor, role: auditor, model: far}
"""
MISSION = """\
apiVersion: hekaton.dev/v1alpha1
kind: Mission
metadata:
  name: fix-it
spec:
  goal: Make the tests pass.
  formation: team
  workspace:
    files:
      - {path: src/a.py, content: "x = 1"}
  acceptance:
    commands: ["python -m pytest -q"]
  budget:
    tokens: 200000
    usd: 2.50
"""


@pytest.fixture
def formation_text() -> str:
    return FORMATION


@pytest.fixture
def mission_text() -> str:
    return MISSION


@pytest.fixture
def findings_of() -> Callable[[str], tuple[Finding, ...]]:
    """Parse a text; the findings, none if it is right."""

    def findings(text: str) -> tuple[Finding, ...]:
        try:
            parse(text, "f.yaml")
        except Invalid as invalid:
            return invalid.findings
        return ()

    return findings


@pytest.fixture
def only() -> Callable[..., Any]:
    """The one object of a text, checked to be of a kind."""

    def read(text: str, kind: type[Object]) -> Object:
        (found,) = parse(text, "f.yaml")
        assert isinstance(found, kind)
        return found

    return read
