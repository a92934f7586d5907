"""What `hekaton doctor` says of the tools that a review asks."""

from dataclasses import dataclass
from pathlib import Path

from hekaton_runtime.cli.checking import review_tools
from hekaton_runtime.errors import Unavailable
from hekaton_runtime.review.commands import ABSENT
from hekaton_runtime.workspace.protocol import Execution, Limits
from hekaton_runtime.workspace.sandbox import LandlockSandbox


@dataclass(frozen=True, slots=True)
class Lacking:
    """A sandbox in which one package is not installed."""

    package: str

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        return Execution(ABSENT if self.package in command else 0, "", 0.0)


class Nowhere:
    """A machine on which nothing can be confined."""

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        raise Unavailable("no Landlock here")


async def test_all_four_are_found_where_the_review_extra_is_installed() -> None:
    said = await review_tools(LandlockSandbox())
    assert (said.what, said.remedy) == ("ruff, mypy, bandit, coverage in the sandbox", "")


async def test_a_missing_one_is_named_with_the_remedy_and_is_no_failure() -> None:
    said = await review_tools(Lacking("bandit"))
    assert said.works
    assert said.what == "ruff, mypy, coverage in the sandbox; not bandit"
    assert "hekaton[review]" in said.remedy


async def test_without_a_sandbox_none_can_be_asked() -> None:
    said = await review_tools(Nowhere())
    assert (said.works, said.what) == (False, "no Landlock here")
