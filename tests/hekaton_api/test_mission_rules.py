"""Every rule of a mission: a document that keeps it, and one that breaks it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from hekaton_api.errors import Finding
from hekaton_api.mission import Mission

Findings = Callable[[str], tuple[Finding, ...]]
FILES = '    files:\n      - {path: src/a.py, content: "x = 1"}\n'
COMMANDS = 'commands: ["python -m pytest -q"]'
HIDDEN = "{path: test_a.py, content: ''}"
PATH = "spec.workspace.files[0].path"

WRONG = {
    "a goal": ("goal: Make the tests pass.", "goal: ''", "spec.goal", "at least 1"),
    "a goal that says something": ("goal: Make the tests pass.", "goal: ' '")
    + ("spec.goal", "is blank"),
    "a goal of bounded length": ("Make the tests pass.", "x" * 20_001, "spec.goal", "20000"),
    "one workspace": (FILES, FILES + "    git: {url: https://host/x.git}\n")
    + ("spec.workspace", "gives files, git of files, git and pvc"),
    "any workspace": ("    files:\n", "    git: ~\n  other:\n", "spec.workspace", "'files: []'"),
    "commands": (COMMANDS, "commands: []", "spec.acceptance.commands", "at least 1"),
    "commands that do something": (COMMANDS, "commands: ['  ']")
    + ("spec.acceptance.commands[0]", "is empty"),
    "not too many commands": (COMMANDS, f"commands: [{'a, ' * 17}]")
    + ("spec.acceptance.commands", "at most 16"),
    "some tokens": ("tokens: 200000", "tokens: 0", "spec.budget.tokens", "not at least 1"),
    "whole tokens": ("tokens: 200000", "tokens: 1.5", "spec.budget.tokens", "whole number"),
    "some money": ("usd: 2.50", "usd: 0", "spec.budget.usd", "is not above 0"),
    "money to a millionth": (
        "usd: 2.50",
        "usd: 0.0000001",
        "spec.budget.usd",
        "at most 6 decimals",
    ),
    "money as a number": ("usd: 2.50", "usd: $2", "spec.budget.usd", "without quotes"),
    "finite money": ("usd: 2.50", "usd: .inf", "spec.budget.usd", "finite"),
    "a wall clock": ("usd: 2.50", "usd: 2.50\n    wallClock: 10 min")
    + ("spec.budget.wallClock", "'1h30m'"),
    "a known mode": ("formation: team", "formation: team\n  mode: swarn")
    + ("spec.mode", "Did you mean 'swarm'?"),
    "relative paths": ("path: src/a.py", "path: /etc/passwd", PATH, "is not relative"),
    "paths that stay inside": ("path: src/a.py", "path: src/../../a", PATH, "'..'"),
    "paths without NUL": ("path: src/a.py", 'path: "a\\0b"', PATH, "NUL"),
    "paths outside of .git": ("path: src/a.py", "path: sub/.Git/config", PATH, ".git"),
    "clean paths": ("path: src/a.py", "path: src//a.py", PATH, "empty or '.' component"),
    "unique paths": (FILES, FILES + "      - {path: src/a.py, content: ''}\n")
    + ("spec.workspace.files[1].path", "files[0] has it too"),
    "paths that are no folders": (FILES, FILES + "      - {path: src, content: ''}\n")
    + ("spec.workspace.files[1].path", "folder elsewhere"),
    "small files": (FILES, "    files: [" + f"{{path: a, content: {'x' * 262_145}}}]\n")
    + ("spec.workspace.files[0].content", "262144"),
    "unique hidden paths": (COMMANDS, f"{COMMANDS}\n    files: [{HIDDEN}, {HIDDEN}]")
    + ("spec.acceptance.files[1].path", "is given twice"),
    "urls without a password": (FILES, "    git: {url: 'https://me:hush@host/x'}\n")
    + ("spec.workspace.git.url", "put tokens in credentials"),
    "urls that are no options": (FILES, "    git: {url: '--upload-pack=x'}\n")
    + ("spec.workspace.git.url", "https://..."),
    "refs that are no options": (FILES, "    git: {url: /srv/x, ref: -x}\n")
    + ("spec.workspace.git.ref", "fix/login"),
    "one artifact": ("formation: team", "formation: team\n  artifact: {}")
    + ("spec.artifact", "exactly one of pvc and git"),
    "somewhere to push": ("formation: team", "formation: team\n  artifact: {git: {branch: b}}")
    + ("spec.artifact.git", "Give workspace.git"),
    "a sound rubric": ("formation: team", "formation: team\n  review: {rubric: {style: 0}}")
    + ("spec.review.rubric", "sum to 0.8"),
}


@pytest.mark.parametrize(("old", "new", "field", "words"), WRONG.values(), ids=WRONG)
def test_a_broken_rule_is_found_with_its_field_and_remedy(
    mission_text: str, findings_of: Findings, old: str, new: str, field: str, words: str
) -> None:
    assert old in mission_text
    found = [each for each in findings_of(mission_text.replace(old, new, 1)) if each.field == field]
    assert len(found) == 1
    assert words in str(found[0])
    assert found[0].remedy


RIGHT = {
    "as it is": ("", ""),
    "nothing to start from": (FILES, "    files: []\n"),
    "git": (FILES, "    git: {url: git@host:me/x.git, ref: v1.0, credentials: {env: TOKEN}}\n"),
    "ssh": (FILES, "    git: {url: 'ssh://git@host:22/me/x'}\n"),
    "a volume": (FILES, "    pvc: {claimName: code, path: a/b}\n"),
    "hidden files": (COMMANDS, f"{COMMANDS}\n    files: [{HIDDEN}]"),
    "a review": ("formation: team", "formation: team\n  review: {maxLoops: 0}"),
    "clean up at once": ("formation: team", "formation: team\n  ttlAfterFinished: 0s"),
    "an artifact": ("formation: team", "formation: team\n  artifact: {pvc: {claimName: out}}"),
    "whole dollars": ("usd: 2.50", "usd: 3"),
    "kubectl's booleans": ("formation: team", "formation: team\n  suspend: yes"),
    "a whole float": ("tokens: 200000", "tokens: 2e5"),
}


@pytest.mark.parametrize(("old", "new"), RIGHT.values(), ids=RIGHT)
def test_a_right_mission_has_no_findings(
    mission_text: str, findings_of: Findings, old: str, new: str
) -> None:
    assert findings_of(mission_text.replace(old, new, 1)) == ()


@pytest.mark.parametrize(
    ("written", "micros"), [("0.1", 100_000), ("2.50", 2_500_000), ("3", 3_000_000), ("1e-6", 1)]
)
def test_money_is_kept_to_the_micro_dollar(
    mission_text: str, only: Callable[..., Any], written: str, micros: int
) -> None:
    mission = only(mission_text.replace("2.50", written), Mission)
    assert mission.spec.budget.usd_micros == micros


def test_money_may_be_given_as_decimal_in_python(
    mission_text: str, only: Callable[..., Any]
) -> None:
    budget = only(mission_text, Mission).spec.budget
    assert type(budget)(tokens=1, usd=Decimal("0.10")).usd_micros == 100_000


def test_too_many_inline_bytes_point_to_git(mission_text: str, findings_of: Findings) -> None:
    entries = ", ".join(f"{{path: f{i}, content: {'x' * 200_000}}}" for i in range(3))
    text = mission_text.replace(FILES, f"    files: [{entries}]\n")
    (found,) = findings_of(text)
    assert found.field == "spec.workspace.files"
    assert "workspace.git" in found.remedy


def test_defaults_are_those_of_the_design(mission_text: str, only: Callable[..., Any]) -> None:
    spec = only(mission_text, Mission).spec
    assert (spec.mode, spec.retries, spec.suspend, spec.cancel) == ("swarm", 0, False, False)
    assert (spec.acceptance.timeout_seconds, spec.budget.wall_clock_seconds) == (600, 3600)
    assert spec.ttl_seconds is None
