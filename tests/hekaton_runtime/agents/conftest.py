"""Values that the tests of the agents share."""

import pytest

from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.brief import Brief, FileText, Finding, Heard


@pytest.fixture
def profile() -> Profile:
    return Profile(
        name="sapper-1",
        role="sapper",
        tier="medium",
        model="model-a",
        temperature=0.2,
        max_tokens=1000,
        context_length=32_768,
    )


@pytest.fixture
def brief() -> Brief:
    """A brief with something in every part."""
    return Brief(
        step="build",
        goal="Write `add(a, b)` in sums.py\nso that add(1, 2) == 3.",
        task="Create sums.py with add.",
        acceptance=("python -m pytest -q", "python -c 'import sums'"),
        tree=("README.md", "sums.py", "other.py"),
        files=(
            FileText(path="other.py", text="OTHER = 1\n"),
            FileText(path="sums.py", text="def add(a, b):\n    raise NotImplementedError\n"),
        ),
        notes=("sums.py: add(a: int, b: int) -> int",),
        findings=(
            Finding(text="add is missing", file="sums.py", line=2, evidence="line 2\nraises"),
        ),
        heard=(Heard(alias="A", text="use +"), Heard(alias="B", text="use sum()")),
        complaint="not a valid patch: Object missing required field `files`",
    )
