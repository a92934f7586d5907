"""What tools print becomes findings on changed lines, or a failure; never silence."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.brief import ToolName
from hekaton_runtime.results import Examined
from hekaton_runtime.review.commands import ABSENT
from hekaton_runtime.review.reading import MOST, report, spans
from hekaton_runtime.review.telling import findings, notes, said
from hekaton_runtime.review.touched import Touched

TEXT = "import os\n\n\ndef f(x):\n    return eval(x)\n"
FILES = (Touched("pkg/a.py", TEXT, frozenset({1, 5})),)
TOOLS: tuple[ToolName, ...] = ("ruff", "mypy", "bandit", "coverage")


def lint(code: str | None, row: int, name: str = "/scratch/x/pkg/a.py") -> dict[str, Any]:
    return {"filename": name, "code": code, "message": "bad", "location": {"row": row, "column": 1}}


def unsafe(level: str, confidence: str, line: int = 5) -> dict[str, Any]:
    return {
        "filename": "././pkg/a.py", "line_number": line, "issue_severity": level,
        "issue_confidence": confidence, "issue_text": "no", "test_id": "B307",
    }  # fmt: skip


def bandit(*items: dict[str, Any]) -> str:
    return json.dumps({"results": items, "errors": []})


def test_a_finding_has_file_line_severity_and_the_line_as_evidence() -> None:
    made = report("ruff", 1, json.dumps([lint("F401", 1)]), FILES)
    (found,) = made.findings
    assert (found.file, found.line, found.severity) == ("pkg/a.py", 1, "low")
    assert (found.text, found.evidence) == ("F401 bad", "import os")


def test_findings_on_lines_that_were_not_changed_are_left_out() -> None:
    made = report("ruff", 1, json.dumps([lint("F401", 4), lint("B006", 5)]), FILES)
    assert [one.line for one in made.findings] == [5]


def test_a_file_that_cannot_be_parsed_counts_wherever_its_fault_is() -> None:
    made = report("ruff", 1, json.dumps([lint(None, 3)]), FILES)
    assert made.findings[0].severity == "critical"


def test_files_that_were_not_changed_are_left_out() -> None:
    made = report("ruff", 1, json.dumps([lint("F401", 1, "/scratch/x/other.py")]), FILES)
    assert (made.state, made.findings) == ("ran", ())


def test_the_gravest_findings_are_kept_and_the_others_counted() -> None:
    items = [dict(lint("F401", 1), message=str(n)) for n in range(MOST + 5)] + [lint("F821", 5)]
    made = report("ruff", 1, json.dumps(items), FILES)
    assert (len(made.findings), made.more, made.findings[0].severity) == (MOST, 6, "high")


def test_mypy_notes_are_no_findings() -> None:
    lines = [
        {"file": "pkg/a.py", "line": 5, "message": "no", "code": "arg-type", "severity": "error"},
        {"file": "pkg/a.py", "line": 5, "message": "hint", "code": None, "severity": "note"},
    ]
    made = report("mypy", 1, "\n".join(map(json.dumps, lines)), FILES)
    assert [(one.text, one.severity) for one in made.findings] == [("no [arg-type]", "medium")]


@pytest.mark.parametrize(
    ("level", "confidence", "severity"),
    [("HIGH", "HIGH", "high"), ("HIGH", "LOW", "medium"), ("LOW", "MEDIUM", "low")],
)
def test_a_guess_of_bandit_weighs_less(level: str, confidence: str, severity: str) -> None:
    made = report("bandit", 1, bandit(unsafe(level, confidence)), FILES)
    assert made.findings[0].severity == severity


def test_coverage_counts_changed_statements_and_names_those_never_run() -> None:
    text = json.dumps({"files": {"pkg/a.py": {"executed_lines": [1, 4], "missing_lines": [5]}}})
    made = report("coverage", 0, text, FILES)
    assert (made.lines, made.covered) == (2, 1)
    assert made.findings[0].text == "acceptance never runs line 5"


@given(lines=st.lists(st.integers(1, 60), min_size=1, unique=True).map(sorted))
def test_spans_name_exactly_the_lines(lines: list[int]) -> None:
    named: list[int] = []
    for part in spans(lines).split(" ", 1)[1].split(", "):
        first, _, last = part.partition("-")
        named += range(int(first), int(last or first) + 1)
    assert named == lines


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_that_is_not_installed_is_absent_and_not_clean(tool: ToolName) -> None:
    made = report(tool, ABSENT, "", FILES)
    assert (made.state, made.findings) == ("absent", ())
    assert "hekaton[review]" in made.detail


@pytest.mark.parametrize(
    ("tool", "output"),
    [
        ("ruff", ""),
        ("ruff", "error: cannot read"),
        ("ruff", '[{"filename": 3}]'),
        ("mypy", "Traceback (most recent call last):"),
        ("bandit", "{}"),
        ("bandit", '{"results": [], "errors": [{"filename": "a", "reason": "syntax error"}]}'),
        ("coverage", "No data to report."),
        ("coverage", ""),
    ],
)
def test_an_output_that_cannot_be_read_is_a_failure_and_not_clean(
    tool: ToolName, output: str
) -> None:
    made = report(tool, 1, output, FILES)
    assert made.state == "failed"
    assert made.detail


def test_a_mypy_that_gave_up_is_not_clean() -> None:
    assert report("mypy", 2, "", FILES).state == "failed"


@given(output=st.text(), exit_code=st.integers(-9, 255))
def test_no_output_breaks_the_reader(output: str, exit_code: int) -> None:
    for tool in TOOLS:
        assert report(tool, exit_code, output, FILES).tool == tool


def test_auditors_hear_a_line_from_every_tool_and_who_found_what() -> None:
    ran = report("bandit", 1, bandit(unsafe("HIGH", "HIGH")), FILES)
    gone = report("ruff", ABSENT, "", FILES)
    examined = Examined(reports=(ran, gone))
    assert notes(examined)[0] == "Tool bandit: 1 finding."
    assert notes(examined)[1].startswith("Tool ruff says nothing: ruff is not installed")
    assert [one.text for one in findings(examined)] == ["bandit: B307 no"]
    assert "clean" not in said(gone)
