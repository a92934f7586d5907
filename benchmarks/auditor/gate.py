"""One program through the gate as the runtime has it: acceptance, tools in the sandbox, bounded grades."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from auditor.auditors import Auditor, Case
from auditor.programs import Program
from auditor.tally import Seen

from hekaton_runtime.answers import FileChange
from hekaton_runtime.brief import FileText, ToolName
from hekaton_runtime.effects import Examine, Run, Write
from hekaton_runtime.results import Examined
from hekaton_runtime.review.caps import capped, caps
from hekaton_runtime.strategies.reviewing import score
from hekaton_runtime.strategies.values import Rules
from hekaton_runtime.workspace.prepare import Inline, prepare
from hekaton_runtime.workspace.repository import GitWorkspace
from hekaton_runtime.workspace.sandbox import LandlockSandbox

WHEN = 1_700_000_000
SECONDS = 20.0
"""For acceptance: a mutant that never ends is caught by it."""
TOOL_SECONDS = 120.0
GRAVE = ("medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Mutant:
    """The solution with one change in one file; an empty operator is the solution itself."""

    path: str
    operator: str
    text: str
    line: int = 0


class Gate:
    """Of one program; every specimen gets branches of its own."""

    def __init__(
        self, program: Program, root: Path, tools: tuple[ToolName, ...], auditor: Auditor
    ) -> None:
        self._program = program
        self._root = root
        self._tools = tools
        self._auditor = auditor
        self._rules = Rules()

    async def seen(self, mutants: tuple[Mutant, ...]) -> AsyncIterator[Seen | None]:
        """None for a change that the whole tests cannot tell from the solution: nobody knows what it is."""
        place = await prepare(self._root, Inline(self._program.start), WHEN, LandlockSandbox())
        for number, mutant in enumerate(mutants):
            files = self._with(mutant)
            right = await self._passes(place, f"true-{number}", (*files, *self._program.tests))
            if right and mutant.operator:
                yield None
            elif not right and not mutant.operator:
                raise SystemExit(f"{self._program.name}: its own solution fails its tests.")
            else:
                yield await self._one(place, f"gate-{number}", files, defect=not right)

    def _with(self, mutant: Mutant) -> tuple[FileText, ...]:
        return tuple(
            FileText(path=one.path, text=mutant.text if one.path == mutant.path else one.text)
            for one in self._program.solution
        )

    async def _passes(self, place: GitWorkspace, branch: str, files: tuple[FileText, ...]) -> bool:
        changes = tuple(FileChange(path=one.path, content=one.text) for one in files)
        await place.write(Write(branch=branch, base="base", files=changes, message="specimen"))
        ran = await place.run(Run(branch=branch, commands=self._program.commands, seconds=SECONDS))
        return ran.passed

    async def _one(
        self, place: GitWorkspace, branch: str, files: tuple[FileText, ...], *, defect: bool
    ) -> Seen:
        name = self._program.name
        if not await self._passes(place, branch, files):
            return Seen(name, defect, accepted=False)
        examined = await place.examine(
            Examine(
                branch=branch,
                tools=self._tools,
                commands=self._program.commands,
                seconds=TOOL_SECONDS,
            )
        )
        _check(examined)
        tools = any(one.severity in GRAVE for report in examined.reports for one in report.findings)
        silent = sum(report.state != "ran" for report in examined.reports)
        case = Case(self._program.goal, self._program.commands, files, examined, defect)
        review = await self._auditor.review(case)
        if review is None:
            return Seen(name, defect, accepted=True, tools=tools, silent=silent)
        need = self._rules.pass_score
        held = capped(review, caps(examined))
        return Seen(
            name, defect, accepted=True, tools=tools, auditor=score(review, self._rules) < need,
            gate=score(held, self._rules) < need, silent=silent,
        )  # fmt: skip


def _check(examined: Examined) -> None:
    """A figure of a tool that was not there would be one of nothing."""
    for report in examined.reports:
        if report.state == "absent":
            raise SystemExit(report.detail)
