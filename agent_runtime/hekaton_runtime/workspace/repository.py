"""A mission's repository: what strategies read, write, run and merge, all by git objects.

There are no worktrees that a command could touch: a branch is a reference in a bare repository,
writes are built in a throw-away index, and commands see scratch checkouts only (see checks.py).
"""

import asyncio
from pathlib import Path

from hekaton_runtime.brief import FileText, Finding
from hekaton_runtime.effects import Examine, Merge, Read, Run, Write
from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.results import Examined, Files, Merged, Ran, Rejected, Unmerged, Written
from hekaton_runtime.workspace.checks import Checks
from hekaton_runtime.workspace.examining import examine
from hekaton_runtime.workspace.git import Entry, Git, GitFailed
from hekaton_runtime.workspace.paths import (
    LINK,
    SUBMODULE,
    branch_faults,
    change_faults,
    path_faults,
)
from hekaton_runtime.workspace.protocol import Limits, Sandbox
from hekaton_runtime.workspace.stream import Changes, blob_name

BASE = "base"
MOST_ATTEMPTS = 100  # of a merge whose target others keep moving; each failure is another's success


class GitWorkspace:
    """Implements `Workspace`. Made by `prepare`, which puts the start on branch `base`."""

    def __init__(
        self,
        root: Path,
        when: int,
        sandbox: Sandbox,
        *,
        hidden: tuple[FileText, ...] = (),
        limits: Limits | None = None,
    ) -> None:
        if faults := tuple(fault for file in hidden for fault in path_faults(file.path)):
            raise BadInput(tuple(f"Hidden acceptance file: {fault}." for fault in faults))
        self.git = Git(root / "repo.git", when)
        self._checks = Checks(self.git, root / "scratch", sandbox, limits or Limits(), hidden)
        self._moving = asyncio.Lock()
        # Commits whose result this process has handed out: a write that changes nothing on top of
        # another one is a crashed predecessor's own write, done again.
        self._known: set[str] = set()
        # What each commit that this process wrote was put upon, so that git need not be asked.
        self._starts: dict[str, str] = {}

    async def read(self, effect: Read) -> Files:
        """The sorted tree, and the text files that fit: the smallest first, or in the order asked."""
        entries = await self._tree(effect.branch)
        plain = [entry for entry in entries if entry.mode not in (LINK, SUBMODULE)]
        wanted = _wanted(plain, effect.paths)
        chosen: list[Entry] = []
        left = effect.limit
        for entry in wanted:
            if entry.size <= left:
                chosen.append(entry)
                left -= entry.size
        contents = await self.git.blobs(tuple(entry.blob for entry in chosen))
        files = [
            FileText(path=entry.path, text=text)
            for entry, content in zip(chosen, contents, strict=True)
            if (text := _text(content)) is not None
        ]
        if not effect.paths:
            files.sort(key=lambda file: file.path)
        return Files(tree=tuple(entry.path for entry in entries), files=tuple(files))

    async def write(self, effect: Write) -> Written | Rejected:
        """Commit the files on the branch, or say everything that is wrong with them."""
        _check_target(effect.branch)
        async with self._moving:
            tip, base = await self.git.tips(effect.branch, effect.base)
            start = tip or base or await self._existing(effect.base)
            there = {entry.path: entry for entry in await self.git.entries(start)}
            modes = {path: entry.mode for path, entry in there.items()}
            if faults := change_faults(effect.files, modes):
                return Rejected(
                    findings=tuple(Finding(text=text, file=path) for path, text in faults)
                )
            if changes := _changes(effect, there, start):
                commit = await self._grown(effect, start, changes)
                self._starts[commit] = start
            else:
                commit = start
                if not tip and not await self.git.move(effect.branch, start, ""):
                    raise Unavailable(f"The branch {effect.branch!r} was moved by another process.")
            changed = commit != start or await self._is_redo(tip, effect)
            self._known.add(commit)
            return Written(commit=commit, changed=changed)

    async def _grown(self, effect: Write, start: str, changes: Changes) -> str:
        try:
            return await self.git.grow(effect.branch, start, changes, effect.message)
        except GitFailed as fault:
            if (await self.git.tips(effect.branch))[0] in ("", start):
                raise
            said = f"The branch {effect.branch!r} was moved by another process."
            raise Unavailable(said) from fault

    async def run(self, effect: Run) -> Ran:
        """Run the commands on the branch's committed files, in a scratch copy."""
        commit = await self._existing(effect.branch)
        return await self._checks.run(
            commit, effect.commands, effect.seconds, acceptance=effect.acceptance
        )

    async def examine(self, effect: Examine) -> Examined:
        """Look at what the branch changed against the base with each tool."""
        commit, base = await self._existing(effect.branch), await self._existing(effect.base)
        return await examine(self.git, self._checks, commit, base, effect)

    async def merge(self, effect: Merge) -> Merged | Unmerged:
        """Merge if the commands pass on the merged files; again if the target moved meanwhile."""
        _check_target(effect.into)
        for _ in range(MOST_ATTEMPTS):
            source, old, base = await self.git.tips(effect.source, effect.into, BASE)
            source = source or await self._existing(effect.source)
            start = old or base or await self._existing(BASE)
            merged = await self._merged(source, start, effect)
            if isinstance(merged, Unmerged):
                return merged
            if merged != old:
                if merged != start and (unfit := await self._gate(merged, effect)):
                    return unfit
                async with self._moving:
                    if not await self.git.move(effect.into, merged, old):
                        continue
            self._known.add(merged)
            return Merged(commit=merged)
        raise Unavailable(f"The branch {effect.into!r} moves too often to merge into it.")

    async def _gate(self, commit: str, effect: Merge) -> Unmerged | None:
        ran = await self._checks.run(
            commit, effect.commands, effect.seconds, acceptance=effect.acceptance
        )
        if ran.passed:
            return None
        detail = f"{ran.command!r} failed with exit code {ran.exit_code} on the merged files"
        return Unmerged(kind="gate", detail=detail, ran=ran)

    async def _merged(self, source: str, target: str, effect: Merge) -> str | Unmerged:
        """The commit that holds both; no branch moves."""
        if self._starts.get(source) == target:
            return source
        said = await self.git.run("merge-base", source, target, check=False)
        if said.text in (source, target):  # one holds the other already
            return target if said.text == source else source
        said = await self.git.run(
            *("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", target, source),
            check=False,
        )
        if said.code not in (0, 1):
            raise GitFailed(f"git merge-tree failed with exit code {said.code}: {said.err}")
        tree, *names = [part.decode(errors="replace") for part in said.out.split(b"\0") if part]
        if said.code == 1:
            files = ", ".join(dict.fromkeys(names))
            text = f"{effect.source!r} and {effect.into!r} both change: {files}"
            return Unmerged(kind="conflict", detail=text)
        message = f"Merge {effect.source} into {effect.into}"
        return await self.git.commit(tree, (target, source), message)

    async def _committed(self, parent: str, effect: Write, modes: dict[str, str]) -> str:
        """The commit of these files on `parent`, or `parent` where nothing changes."""
        changes = [
            (
                change.path,
                modes.get(change.path, "100644"),
                "" if change.delete else await self.git.store(change.content.encode()),
            )
            for change in effect.files
        ]
        tree = await self.git.tree_with(parent, tuple(changes))
        if tree == (await self.git.run("rev-parse", f"{parent}^{{tree}}")).text:
            return parent
        return await self.git.commit(tree, (parent,), effect.message)

    async def _is_redo(self, tip: str, effect: Write) -> bool:
        """Is the tip this very write, made by a process that ended before it could say so?"""
        if not tip or tip in self._known:
            return False
        said = await self.git.run("rev-parse", "--verify", "--quiet", f"{tip}^1", check=False)
        if said.code != 0:
            return False
        modes = {entry.path: entry.mode for entry in await self.git.entries(said.text)}
        if change_faults(effect.files, modes):
            return False
        return await self._committed(said.text, effect, modes) == tip

    async def _tree(self, branch: str) -> tuple[Entry, ...]:
        """What a branch holds; raises `BadInput` where there is none."""
        if faults := branch_faults(branch):
            raise BadInput(faults)
        try:
            return await self.git.entries(f"refs/heads/{branch}")
        except GitFailed:
            return await self.git.entries(await self._existing(branch))

    async def _existing(self, branch: str) -> str:
        if faults := branch_faults(branch):
            raise BadInput(faults)
        commit = await self.git.commit_of(branch)
        if not commit:
            raise BadInput((f"The workspace has no branch {branch!r}: write to it first.",))
        return commit


def _check_target(branch: str) -> None:
    if faults := branch_faults(branch):
        raise BadInput(faults)
    if branch == BASE:
        raise BadInput((f"The branch {BASE!r} is the mission's start: write to another one.",))


def _changes(effect: Write, there: dict[str, Entry], like: str) -> Changes:
    """What really differs: (path, mode, content), None removes. `like`: any object's name."""
    found: list[tuple[str, str, bytes | None]] = []
    for change in effect.files:
        old, content = there.get(change.path), change.content.encode()
        if change.delete:
            found += [(change.path, "", None)] if old else []
        elif old is None or old.blob != blob_name(content, like):
            found.append((change.path, old.mode if old else "100644", content))
    return tuple(found)


def _wanted(entries: list[Entry], paths: tuple[str, ...]) -> list[Entry]:
    if not paths:
        return sorted(entries, key=lambda entry: (entry.size, entry.path))
    by_path = {entry.path: entry for entry in entries}
    return [by_path[path] for path in dict.fromkeys(paths) if path in by_path]


def _text(content: bytes) -> str | None:
    """The content as text; None for what is binary."""
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
