"""Writes a mission's closing report: Markdown for people, JSON for programs. Pure.

Both say first whether the models were simulated and whether commands ran without a sandbox, so
that no figure of such a run can be read without knowing it.
"""

from functools import cache

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from hekaton_runtime.report import words
from hekaton_runtime.report.values import Sitrep

LONGEST_EVIDENCE = 300
"""Characters of one finding's evidence that people are shown beside it."""
FORMAT = "hekaton.dev/sitrep/v1"
SIMULATED = (
    "SIMULATED: simulated models answered in this mission. It shows how the machinery works; "
    "its results, scores and costs say nothing about any real model."
)
UNSANDBOXED = (
    "UNSANDBOXED: commands written by models ran without confinement (--unsafe-no-sandbox). "
    "They could read and change everything that the user who ran Hekaton can."
)


def banners(report: Sitrep) -> tuple[str, ...]:
    """List what a reader must know before anything else."""
    claims = ((report.simulated, SIMULATED), (report.unsafe_no_sandbox, UNSANDBOXED))
    return tuple(text for holds, text in claims if holds)


def markdown(report: Sitrep) -> str:
    """Write the report for people."""
    template = environment().get_template("sitrep.md.j2")
    return template.render(report=report, banners=banners(report)).rstrip() + "\n"


def glimpse(evidence: str, report: Sitrep) -> str:
    """Write a finding's evidence as code: of a long one the beginning, and where all of it stands."""
    line = " ".join(evidence.split())
    if len(line) <= LONGEST_EVIDENCE:
        return words.code(line)
    shown = next((run.output for run in reversed(report.verify) if run.output), "")
    where = "under Verification" if evidence == shown else "in sitrep.json"
    return f"{words.code(line[:LONGEST_EVIDENCE])} ... (whole {where})"


def json_bytes(report: Sitrep) -> bytes:
    """Write the report for programs: fields in the order of `Sitrep`, behind format and banners."""
    whole = {"format": FORMAT, "banners": banners(report)} | msgspec.to_builtins(report)
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


@cache
def environment() -> Environment:
    """Load the template from the package; made once, on first use, and never changed."""
    made = Environment(
        loader=PackageLoader("hekaton_runtime.report", "templates"),
        undefined=StrictUndefined,
        autoescape=False,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "money": words.money,
        "number": words.number,
        "duration": words.duration,
        "moment": words.moment,
        "plain": words.plain,
        "code": words.code,
        "cell": words.cell,
        "block": words.block,
        "glimpse": glimpse,
    }
    return made
