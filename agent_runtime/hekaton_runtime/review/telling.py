"""What auditors and builders are told of the tools' reports, in few words. Pure."""

from hekaton_runtime.brief import Finding
from hekaton_runtime.results import Examined, ToolReport
from hekaton_runtime.review.reading import GRAVE

MOST = 20
"""Findings in one brief; the context planner may cut further."""


def notes(examined: Examined) -> tuple[str, ...]:
    """One line a tool; a tool that did not run is said to have said nothing."""
    return tuple(f"Tool {said(one)}" for one in examined.reports)


def said(report: ToolReport) -> str:
    if report.state != "ran":
        return f"{report.tool} says nothing: {report.detail}."
    many = len(report.findings) + report.more
    found = "no finding" if not many else f"{many} finding{'' if many == 1 else 's'}"
    return f"{report.tool}: {found}{f'; {report.detail}' if report.detail else ''}."


def findings(examined: Examined | None) -> tuple[Finding, ...]:
    """Of all tools, each with its tool's name in front, the gravest first."""
    if examined is None:
        return ()
    found = [
        Finding(
            text=f"{report.tool}: {one.text}", file=one.file, line=one.line,
            severity=one.severity, evidence=one.evidence,
        )
        for report in examined.reports
        for one in report.findings
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: GRAVE[one.severity])[:MOST])
