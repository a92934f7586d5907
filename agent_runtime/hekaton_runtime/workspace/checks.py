"""Commands on a tree: check it out into a scratch folder, run them there, throw the folder away.

Nothing a command leaves behind can reach a commit, and nothing can change between a check and the
merge that it guards, since both name the same git tree.
"""

import errno
import logging
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from hekaton_runtime.brief import FileText, Finding
from hekaton_runtime.errors import Unavailable
from hekaton_runtime.results import Ran
from hekaton_runtime.room import is_full, refused
from hekaton_runtime.workspace.git import Git, GitFailed
from hekaton_runtime.workspace.output import tail
from hekaton_runtime.workspace.protocol import Execution, Limits, Lost, Sandbox
from hekaton_runtime.workspace.sandbox import erase

log = logging.getLogger(__name__)

HIDDEN = "its output is hidden because the mission has hidden acceptance files"
TRIES = 3
LOST = Execution(
    -9,
    "",
    0.0,
    (
        f"was lost {TRIES} times with the workspace that ran it; it may use more memory than"
        " the workspace has",
    ),
)
"""Of commands that end whoever runs them, each time."""
TAMPERED = Execution(126, "", 0.0, ("found the acceptance files out of reach",))
NO_TIME = Execution(-9, "", 0.0, ("no time was left to run it",))


@dataclass(frozen=True, slots=True)
class Checks:
    """Runs commands on trees of one repository."""

    git: Git
    scratch: Path
    """Where the checkouts live for a while."""
    sandbox: Sandbox
    limits: Limits
    hidden: tuple[FileText, ...]
    """Acceptance files laid over the tree that nobody who writes code may see."""

    async def run(
        self, tree: str, commands: tuple[str, ...], seconds: float, *, acceptance: bool
    ) -> Ran:
        """Run the commands until the first failure, sharing the time."""
        started = time.monotonic()
        covered = acceptance and bool(self.hidden)
        if covered:
            tree = await self._overlaid(tree)
        self.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        done: tuple[Execution, ...] = ()
        for _ in range(TRIES):
            try:
                done = await self._tried(tree, commands, seconds, covered)
                break
            except Lost as fault:
                log.warning("commands are run again: %s", fault)
                done = (LOST,)
        self._check_room(done)
        return self._ran(commands, done, time.monotonic() - started, covered)

    async def execute(self, tree: str, command: str, limits: Limits, covered: bool) -> Execution:
        """One command on a tree and nothing made of it; `covered` lays the hidden files over the tree."""
        if covered:
            tree = await self._overlaid(tree)
        self.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        done = LOST
        for _ in range(TRIES):
            folder = Path(tempfile.mkdtemp(dir=self.scratch))
            try:
                await self.git.checkout(tree, folder)
                done = await self.sandbox.run(command, folder, limits)
                break
            except Lost as fault:
                log.warning("a command is run again: %s", fault)
            finally:
                await erase(folder)
        self._check_room((done,))
        return done

    async def _tried(
        self, tree: str, commands: tuple[str, ...], seconds: float, covered: bool
    ) -> tuple[Execution, ...]:
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            await self.git.checkout(tree, folder)
            return await self._series(tree, folder, commands, seconds, covered)
        finally:
            await erase(folder)

    def _check_room(self, done: tuple[Execution, ...]) -> None:
        """A command that fails on a full disk says nothing about the code; raises `Unavailable`."""
        if not done or done[-1].exit_code == 0:
            return
        for place in (self.scratch, Path(tempfile.gettempdir())):
            if is_full(place):
                raise Unavailable(refused(place, os.strerror(errno.ENOSPC)))

    async def _overlaid(self, tree: str) -> str:
        changes = []
        for file in self.hidden:
            blob = await self.git.store(file.text.encode())
            changes.append((file.path, "100644", blob))
        return await self.git.tree_with(tree, tuple(changes), replace=True)

    async def _series(
        self, tree: str, folder: Path, commands: tuple[str, ...], seconds: float, covered: bool
    ) -> tuple[Execution, ...]:
        done: list[Execution] = []
        ends = time.monotonic() + seconds
        for command in commands:
            if covered and done and not await self._laid_again(tree, folder):
                done.append(TAMPERED)
                break
            left = min(ends - time.monotonic(), self.limits.seconds)
            if left <= 0:
                done.append(NO_TIME)
                break
            limits = replace(self.limits, seconds=left)
            done.append(await self.sandbox.run(command, folder, limits))
            if done[-1].exit_code != 0 or done[-1].breaches:
                break
        return tuple(done)

    async def _laid_again(self, tree: str, folder: Path) -> bool:
        """What ran before had the hidden files in its hands: the next command gets them anew."""
        try:
            await self.git.checkout(tree, folder, tuple(file.path for file in self.hidden))
        except GitFailed:
            return False
        return True

    def _ran(
        self, commands: tuple[str, ...], done: tuple[Execution, ...], seconds: float, covered: bool
    ) -> Ran:
        if not done:
            return Ran(passed=True, command="", exit_code=0, output="", seconds=seconds)
        last, command = done[-1], commands[len(done) - 1]
        passed = last.exit_code == 0 and not last.breaches
        output = "\n".join(each.output.rstrip("\n") for each in done if each.output)
        if covered and passed:
            output = f"all {len(done)} commands passed; {HIDDEN}"
        elif covered:
            output = f"{command!r} failed with exit code {last.exit_code}; {HIDDEN}"
        findings = tuple(Finding(text=f"{command!r} {breach}") for breach in last.breaches)
        return Ran(
            passed=passed,
            command=command,
            exit_code=last.exit_code,
            output=tail(output, self.limits.output_kib * 1024),
            seconds=seconds,
            findings=findings,
        )
