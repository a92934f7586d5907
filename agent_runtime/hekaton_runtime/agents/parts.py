"""Turns a brief into the parts of a prompt, ordered by importance, and each part into fenced text.

Pure. Whole texts (a file, what a peer said) have a fence each; short lines share one.
"""

from collections.abc import Iterable

from hekaton_runtime.agents.context import Item, Part, PartName, units
from hekaton_runtime.agents.fence import Kind, fence
from hekaton_runtime.brief import Brief, FileText, Finding

LINE_END = units("\n")
ORDERS: frozenset[PartName] = frozenset({"goal", "task"})
SHARED: frozenset[PartName] = frozenset({"acceptance", "findings", "tree"})
"""Parts whose items are lines in one fence."""


def parts_of(brief: Brief) -> tuple[Part, ...]:
    """List every part, the most important one first.

    In a vote the proposals come before all that is only background: who cannot read what is to be
    chosen from cannot choose.
    """
    first = (
        part("goal", [("goal", brief.goal)]),
        part("task", [("task", brief.task)] if brief.task else []),
        part("complaint", [("complaint", brief.complaint)] if brief.complaint else []),
        part("findings", [(found.file, line_of(found)) for found in brief.findings]),
    )
    background = (
        part("acceptance", [(command, command) for command in brief.acceptance]),
        part("notes", [(f"note {n}", note) for n, note in enumerate(brief.notes, 1)]),
        part("files", [(file.path, file.text) for file in named_first(brief)]),
    )
    heard = part("heard", [(said.alias, said.text) for said in brief.heard])
    tree = part("tree", [(path, path) for path in brief.tree])
    middle = (heard, *background) if brief.step == "vote" else (*background, heard)
    return (*first, *middle, tree)


def part(name: PartName, items: Iterable[tuple[str, str]]) -> Part:
    """Price each item with the frame that `body` will put around it."""
    if name in SHARED:
        lines = tuple(Item(label, text, LINE_END) for label, text in items)
        return Part(name, lines, units(fence(kind_of(name), name, "")))
    blocks = tuple(
        Item(label, text, units(fence(kind_of(name), label, "")) + LINE_END)
        for label, text in items
    )
    return Part(name, blocks, 0)


def body(part: Part) -> str:
    """Render a part's items behind their fences; it never costs more than `context.cost` says."""
    kind = kind_of(part.name)
    if part.name in SHARED:
        return fence(kind, part.name, "\n".join(item.text for item in part.items))
    return "\n".join(fence(kind, item.label, item.text) for item in part.items)


def kind_of(name: PartName) -> Kind:
    return "ORDER" if name in ORDERS else "DATA"


def named_first(brief: Brief) -> tuple[FileText, ...]:
    """Put the files that the task, the findings, the complaint or the goal name before the rest."""
    words = "\n".join((brief.task, brief.complaint, brief.goal))
    accused = {found.file for found in brief.findings}
    return tuple(
        sorted(brief.files, key=lambda file: file.path not in accused and file.path not in words)
    )


def line_of(finding: Finding) -> str:
    """Write a finding as one entry; further lines are indented, so that none passes for another."""
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    head = f"- [{finding.severity}] {place + ': ' if place else ''}{finding.text}"
    entry = f"{head}\nevidence: {finding.evidence}" if finding.evidence else head
    return "\n    ".join(entry.splitlines())
