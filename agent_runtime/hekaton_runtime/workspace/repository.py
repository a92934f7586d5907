"""A mission's repository: what strategies read, write, run and merge, all by git objects.

There are no worktrees that a command could touch: a branch is a reference in a bare repository,
writes are built in a throw-away index, and commands see scratch checkouts only (see checks.py).
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from hekaton_runtime.brief import FileText, Finding
from hekaton_runtime.effects import Examine, Merge, Read, Run, Write
from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.results import Examined, Files, Merged, Ran, Rejected, Unmerged, Written
from hekaton_runtime.workspace.checks import Checks
from hekaton_runtime.workspace.commits import Changes, blob_name
from hekaton_runtime.workspace.examining import examine
from hekaton_runtime.workspace.git import Entry, Git, GitFailed
from hekaton_runtime.workspace.known import Known, Step
from hekaton_runtime.workspace.paths import (
    LINK,
    SUBMODULE,
    branch_faults,
    change_faults,
    path_faults,
)
from hekaton_runtime.workspace.protocol import Limits, Sandbox
from hekaton_runtime.workspace.redo import is_redo

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
        self._moving: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by branch
        # Commits whose result this process has handed out: a write that changes nothing on top of
        # another one is a crashed predecessor's own write, done again.
        self._given: set[str] = set()
        self._seen = Known()

    async def read(self, effect: Read) -> Files:
        """The sorted tree, and the text files that fit: the smallest first, or in the order asked."""
        entries = tuple((await self._holding(await self._existing(effect.branch))).values())
        plain = [entry for entry in entries if entry.mode not in (LINK, SUBMODULE)]
        wanted = _wanted(plain, effect.paths)
        chosen: list[Entry] = []
        left = effect.limit
        for entry in wanted:
            if entry.size <= left:
                chosen.append(entry)
                left -= entry.size
        contents = await self._contents(entry.blob for entry in chosen)
        files = [
            FileText(path=entry.path, text=text)
            for entry in chosen
            if (text := _text(contents[entry.blob])) is not None
        ]
        if not effect.paths:
            files.sort(key=lambda file: file.path)
        return Files(tree=tuple(entry.path for entry in entries), files=tuple(files))

    async def write(self, effect: Write) -> Written | Rejected:
        """Commit the files on the branch, or say everything that is wrong with them."""
        _check_target(effect.branch)
        async with self._moving[effect.branch]:
            tip, base = await self._tips(effect.branch, effect.base)
            start = tip or base or await self._existing(effect.base)
            there = await self._holding(start)
            modes = {path: entry.mode for path, entry in there.items()}
            if faults := change_faults(effect.files, modes):
                return Rejected(
                    findings=tuple(Finding(text=text, file=path) for path, text in faults)
                )
            if changes := _changes(effect, there):
                commit = await self._grown(effect, start, changes)
                self._seen.moved(effect.branch, commit, (start,), _step(changes))
            else:
                commit = start
                if not tip and not await self.git.move(effect.branch, start, ""):
                    raise self._elsewhere(effect.branch)
                self._seen.moved(effect.branch, commit)
            unknown = bool(tip) and tip not in self._given
            changed = commit != start or (unknown and await is_redo(self.git, tip, effect))
            self._given.add(commit)
            return Written(commit=commit, changed=changed)

    async def _grown(self, effect: Write, start: str, changes: Changes) -> str:
        try:
            return await self.git.grow(effect.branch, start, changes, effect.message)
        except GitFailed as fault:
            if (await self.git.tips(effect.branch))[0] in ("", start):
                raise
            raise self._elsewhere(effect.branch) from fault

    def _elsewhere(self, branch: str) -> Unavailable:
        self._seen.tips.pop(branch, "")
        return Unavailable(f"The branch {branch!r} was moved by another process.")

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
            if not effect.commands and (joined := await self._joined(effect)):
                return Merged(commit=joined)
            source, old, start = await self._ends(effect)
            merged = await self._merged(source, start, effect)
            if isinstance(merged, Unmerged):
                return merged
            if merged != old:
                tested = merged != start and effect.commands
                if tested and (unfit := await self._gate(merged, effect)):
                    return unfit
                async with self._moving[effect.into]:
                    if not await self.git.move(effect.into, merged, old):
                        self._seen.tips.pop(effect.into, "")
                        continue
                new = merged not in (source, start)
                self._seen.moved(effect.into, merged, (start, source) if new else ())
            self._given.add(merged)
            return Merged(commit=merged)
        raise Unavailable(f"The branch {effect.into!r} moves too often to merge into it.")

    async def _ends(self, effect: Merge) -> tuple[str, str, str]:
        """The source's commit; the target's, empty while there is none; and what is merged into."""
        source, old, base = await self._tips(effect.source, effect.into, BASE)
        source = source or await self._existing(effect.source)
        return source, old, old or base or await self._existing(BASE)

    async def _joined(self, effect: Merge) -> str:
        """The merge where git has nothing to decide, without it; empty where it has."""
        async with self._moving[effect.into]:
            source, old, start = await self._ends(effect)
            puts = self._seen.joining(source, start)
            if not puts or self._seen.holds(source, start):
                return ""
            message = _merging(effect)
            try:
                commit = await self.git.join(effect.into, start, source, puts, message)
            except GitFailed:
                if (await self.git.tips(effect.into))[0] == old:
                    raise
                self._seen.tips.pop(effect.into, "")
                return ""
            self._seen.moved(effect.into, commit, (start, source), Step(puts))
            self._given.add(commit)
            return commit

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
        if self._seen.holds(target, source):
            return target
        if self._seen.holds(source, target):
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
        return await self.git.commit(tree, (target, source), _merging(effect))

    async def _tips(self, *branches: str) -> tuple[str, ...]:
        """Where branches are; empty where there is none."""
        tips = {branch: self._seen.tips.get(branch) for branch in branches}
        unknown = [branch for branch, tip in tips.items() if tip is None]
        # What was known is forgotten by others while git is asked.
        found = dict(zip(unknown, await self.git.tips(*unknown) if unknown else (), strict=True))
        return tuple(tips[branch] or found[branch] for branch in branches)

    async def _holding(self, commit: str) -> Mapping[str, Entry]:
        """What a commit holds, by path, sorted."""
        tree = self._seen.trees.get(commit)
        return self._seen.saw(commit, await self.git.entries(commit)) if tree is None else tree

    async def _contents(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """The contents by name."""
        found = {blob: self._seen.contents.get(blob) for blob in blobs}
        unknown = tuple(blob for blob, content in found.items() if content is None)
        for blob, content in zip(unknown, await self.git.blobs(unknown), strict=True):
            found[blob] = content
            self._seen.contents.put(blob, content)
        return {blob: content for blob, content in found.items() if content is not None}

    async def _existing(self, branch: str) -> str:
        if faults := branch_faults(branch):
            raise BadInput(faults)
        commit = self._seen.tips.get(branch) or await self.git.commit_of(branch)
        if not commit:
            raise BadInput((f"The workspace has no branch {branch!r}: write to it first.",))
        return commit


def _merging(effect: Merge) -> str:
    return f"Merge {effect.source} into {effect.into}"


def _check_target(branch: str) -> None:
    if faults := branch_faults(branch):
        raise BadInput(faults)
    if branch == BASE:
        raise BadInput((f"The branch {BASE!r} is the mission's start: write to another one.",))


def _changes(effect: Write, there: Mapping[str, Entry]) -> Changes:
    """What really differs: (path, mode, content), None removes."""
    found: list[tuple[str, str, bytes | None]] = []
    for change in effect.files:
        old, content = there.get(change.path), change.content.encode()
        if change.delete:
            found += [(change.path, "", None)] if old else []
        elif old is None or old.blob != blob_name(content):
            found.append((change.path, old.mode if old else "100644", content))
    return tuple(found)


def _step(changes: Changes) -> Step:
    """The same changes as entries."""
    puts = tuple(
        Entry(path, mode, blob_name(content), len(content))
        for path, mode, content in changes
        if content is not None
    )
    return Step(puts, tuple(path for path, _, content in changes if content is None))


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
