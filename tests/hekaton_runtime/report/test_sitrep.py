"""The SITREP reads as agreed, and nothing foreign in it passes for its own words."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hekaton_runtime.brief import Finding
from hekaton_runtime.report.sitrep import json_bytes, markdown
from hekaton_runtime.report.values import (
    CostLine,
    Debate,
    DebateRound,
    NextStep,
    Phase,
    Proposal,
    Sitrep,
    TaskLine,
    VerifyRun,
)

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = st.text(
    alphabet=st.sampled_from("\n\r\t \u2028#`*_[]()<>|~!-=+1.\\&:@aw")
    | st.characters(codec="utf-8"),
    max_size=40,
)


@pytest.mark.parametrize("name", ["full", "bare"])
def test_the_markdown_is_the_golden_one(name: str, request: pytest.FixtureRequest) -> None:
    report: Sitrep = request.getfixturevalue(name)
    assert markdown(report) == (GOLDEN / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["full", "bare"])
def test_the_json_is_the_golden_one(name: str, request: pytest.FixtureRequest) -> None:
    report: Sitrep = request.getfixturevalue(name)
    assert json_bytes(report) == (GOLDEN / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", ["full", "bare"])
def test_the_json_reads_back_as_the_report(name: str, request: pytest.FixtureRequest) -> None:
    report: Sitrep = request.getfixturevalue(name)
    assert msgspec.json.decode(json_bytes(report), type=Sitrep) == report


def test_a_simulated_mission_says_so_first(full: Sitrep) -> None:
    report = replace(full, unsafe_no_sandbox=False)
    assert markdown(report).startswith("> **SIMULATED:** ")
    assert json_bytes(report).split(b"\n")[3].strip().startswith(b'"SIMULATED: ')


def test_an_unconfined_mission_says_so_first(full: Sitrep) -> None:
    report = replace(full, simulated=False)
    assert markdown(report).startswith("> **UNSANDBOXED:** ")
    assert "| sandbox | NONE: commands ran unconfined |" in markdown(report)


def test_a_real_confined_mission_has_no_banner(bare: Sitrep) -> None:
    assert markdown(bare).startswith("# SITREP: sums\n")
    assert msgspec.json.decode(json_bytes(bare))["banners"] == []


def test_savings_are_left_out_unless_given(full: Sitrep) -> None:
    assert "Saved $0.001234 against all calls" in markdown(full)
    assert "Saved" not in markdown(replace(full, savings=None))


def test_long_evidence_is_cut_and_says_where_all_of_it_stands(bare: Sitrep) -> None:
    output = "E assert 1 == 2\n" * 900
    found = Finding(text="`pytest` failed.", evidence=output)
    run = VerifyRun("pytest", False, 1.0, output)
    shown = markdown(replace(bare, findings=(found,), verify=(run,)))
    assert max(map(len, shown.splitlines())) < 500
    assert "E assert 1 =` ... (whole under Verification)" in shown
    assert shown.count("E assert 1 == 2\n") == 900


def test_long_evidence_of_a_reviewer_is_whole_in_the_json(bare: Sitrep) -> None:
    report = replace(bare, findings=(Finding(text="slow", evidence="x" * 301),))
    assert f"Evidence: `{'x' * 300}` ... (whole in sitrep.json)" in markdown(report)
    assert b"x" * 301 in json_bytes(report)


def structure(text: str) -> list[str]:
    """List what a Markdown reader makes of a text, but for words and code."""
    seen = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        seen.append(f"{token.type} {token.tag} {token.level}")
        seen += [f"{child.type} {child.tag}" for child in token.children or ()]
    words = {"text ", "text_special ", "code_inline code"}
    return [entry for entry in seen if entry not in words]


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=HOSTILE)
def test_foreign_text_cannot_change_the_structure(bare: Sitrep, text: str) -> None:
    def filled(word: str) -> str:
        return markdown(
            replace(
                bare,
                goal=word,
                reason=word,
                formation=word,
                phases=(Phase(word, 0.0, None),),
                cost_by_role=(CostLine(word, 1, 1, 1, 1),),
                replay=word,
                debate=Debate(word, (DebateRound((Proposal(word, word, 1),), word),), word, word),
                tasks=(TaskLine(word, word, "failed", 1, word),),
                verify=(VerifyRun(word, False, 1.0, f"output {word}"),),
                findings=(Finding(text=word, file=f"file {word}", evidence=f"seen {word}"),),
                next_steps=(NextStep(word, f"run {word}"),),
            )
        )

    assert structure(filled(text)) == structure(filled("word"))
