"""Real tools in the real sandbox on what a branch changed; a missing one is named."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hekaton_runtime.answers import FileChange
from hekaton_runtime.brief import FileText, ToolName
from hekaton_runtime.effects import Examine, Write
from hekaton_runtime.results import Examined, ToolReport, Written
from hekaton_runtime.review.commands import ABSENT
from hekaton_runtime.workspace.prepare import Inline, prepare
from hekaton_runtime.workspace.protocol import Execution, Limits, Sandbox
from hekaton_runtime.workspace.sandbox import LandlockSandbox

OLD = "import os\n\n\ndef half(n: int) -> int:\n    return n // 2\n"
FAULTY = OLD + (
    "\n\ndef twice(n: int) -> int:\n    if n > 9:\n        return 'many'\n    return n * missing\n"
    "\n\ndef run(text):  # noqa\n    import subprocess  # nosec\n\n"
    "    return subprocess.call(text, shell=True)  # nosec\n"
)
SOUND = OLD + "\n\ndef twice(n: int) -> int:\n    if n > 9:\n        return 18\n    return n * 2\n"
TEST = "import unittest\nimport calc\n\n\nclass T(unittest.TestCase):\n    def test(self):\n        calc.{}(1)\n"
ALL: tuple[ToolName, ...] = ("ruff", "mypy", "bandit", "coverage")
COMMANDS = ("python -m unittest -q test_calc",)
WHEN = 1_700_000_000
Look = Callable[..., Awaitable[Examined]]


class Without:
    """A sandbox on a machine that lacks the tools."""

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        return Execution(ABSENT, "", 0.0)


class Slow:
    """A sandbox in which every command runs out of time."""

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        return Execution(-9, "[]", 1.0, ("timed out after 1 s",))


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Examine `calc.py` with this content, changed on a branch."""

    async def examine(
        content: str, tools: tuple[ToolName, ...] = ALL, sandbox: Sandbox | None = None,
        more: tuple[FileChange, ...] = (), hidden: tuple[FileText, ...] = (), test: str = "half",
    ) -> Examined:  # fmt: skip
        start = (
            FileText(path="calc.py", text=OLD),
            FileText(path="test_calc.py", text=TEST.format(test)),
        )
        place = await prepare(
            tmp_path / "w", Inline(start), WHEN, sandbox or LandlockSandbox(), hidden=hidden
        )
        files = (FileChange(path="calc.py", content=content), *more)
        written = await place.write(Write(branch="t", base="base", files=files, message="m"))
        assert isinstance(written, Written)
        return await place.examine(Examine(branch="t", tools=tools, commands=COMMANDS, seconds=100))

    return examine


def by_tool(examined: Examined) -> dict[str, ToolReport]:
    return {one.tool: one for one in examined.reports}


async def test_each_tool_finds_its_fault_whatever_comments_ask_it_to_overlook(look: Look) -> None:
    found = by_tool(await look(FAULTY))
    assert [one.state for one in found.values()] == ["ran"] * 4, found
    assert [one.text[:4] for one in found["ruff"].findings] == ["F821"]
    assert {one.line for one in found["mypy"].findings} == {10, 11}
    assert found["bandit"].findings[0].severity == "high"
    assert found["coverage"].covered < found["coverage"].lines


async def test_a_sound_change_is_clean_and_old_faults_are_not_its_own(look: Look) -> None:
    found = by_tool(await look(SOUND, test="twice"))
    assert {one.state for one in found.values()} == {"ran"}, found
    assert [one.findings for tool, one in found.items() if tool != "coverage"] == [(), (), ()]
    assert (found["coverage"].lines, found["coverage"].covered) == (4, 3)


async def test_nothing_in_the_tree_stands_in_for_a_tool_or_softens_it(look: Look) -> None:
    more = (
        FileChange(path="ruff.py", content="print('[]')\n"),
        FileChange(path="ruff.toml", content="[lint]\nselect = []\n"),
        FileChange(path="json.py", content="raise SystemExit\n"),
    )
    found = by_tool(await look(FAULTY, ("ruff", "bandit"), more=more))
    assert [one.text[:4] for one in found["ruff"].findings] == ["F821"]
    assert found["bandit"].findings


async def test_a_file_that_is_no_python_is_a_critical_finding(look: Look) -> None:
    found = by_tool(await look("def f(:\n", ("ruff", "bandit")))
    assert found["ruff"].findings[0].severity == "critical"
    assert found["bandit"].state == "failed"


async def test_missing_tools_are_named_and_nothing_is_called_clean(look: Look) -> None:
    examined = await look(SOUND, sandbox=Without())
    assert [one.state for one in examined.reports] == ["absent"] * 4


async def test_a_tool_that_runs_out_of_time_has_failed(look: Look) -> None:
    (made,) = (await look(SOUND, ("ruff",), sandbox=Slow())).reports
    assert made.state == "failed"
    assert "timed out after 1 s" in made.detail


async def test_of_hidden_acceptance_only_the_share_is_told(look: Look) -> None:
    hidden = (FileText(path="test_calc.py", text=TEST.format("twice")),)
    (made,) = (await look(SOUND, ("coverage",), hidden=hidden)).reports
    assert (made.lines, made.covered, made.findings) == (4, 3, ())


async def test_without_a_changed_python_file_there_is_nothing_to_look_at(look: Look) -> None:
    more = (FileChange(path="note.md", content="words\n"),)
    examined = await look(OLD, more=more)
    assert {one.state for one in examined.reports} == {"unsuited"}


async def test_files_with_odd_names_are_not_looked_at_and_that_is_said(look: Look) -> None:
    more = (FileChange(path="odd name;.py", content="import os\n"),)
    examined = await look(SOUND, ("ruff",), more=more)
    assert examined.files == ("calc.py",)
    assert "1 changed file was not looked at" in examined.reports[0].detail
