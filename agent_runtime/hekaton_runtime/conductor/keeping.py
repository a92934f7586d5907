"""Keep a mission's branches in the database, for a conductor that goes on with another disk.

The start is made again from where the mission came from and must come out as the same commit; what
was built since comes from git bundles, one for each move of a branch.
"""

import tempfile
from pathlib import Path

from hekaton_runtime.effects import Examine, Merge, Read, Run, Write
from hekaton_runtime.errors import BadInput, Fenced
from hekaton_runtime.results import Examined, Files, Merged, Ran, Rejected, Unmerged, Written
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.workspace.git import Git
from hekaton_runtime.workspace.repository import BASE, GitWorkspace


class Kept:
    """What the database holds of one mission's repository."""

    def __init__(self, database: Database, mission: str, token: int) -> None:
        self._database = database
        self._mission = mission
        self._token = token
        self._commits: dict[str, None] = {}

    async def base(self) -> str:
        """The commit that the mission began with; empty for a new mission."""
        return await self._database.value(
            "select commit from hekaton.saved where mission_id = $1 and branch = $2",
            self._mission, BASE,
        ) or ""  # fmt: skip

    async def restore(self, git: Git) -> None:
        """Bring every branch to where it was; raises `BadInput` if the start is not the same."""
        rows = await self._database.fetch(
            "select branch, commit, content from hekaton.saved where mission_id = $1 order by seq",
            self._mission,
        )
        for row in rows:
            branch, commit, content = row["branch"], row["commit"], row["content"]
            here = await git.commit_of(branch)
            if branch == BASE and here != commit:
                raise BadInput(
                    [
                        f"mission {self._mission!r} began with commit {commit[:12]}, and its workspace"
                        f" now gives {here[:12]}: the source has changed. Run it anew."
                    ]
                )
            if content:
                await _unbundle(git, content)
            if here != commit and not await _is_ancestor(git, commit, here):
                await git.move(branch, commit, here)
            self._commits[commit] = None

    async def save(self, git: Git, branch: str, commit: str) -> None:
        """Before the journal tells of it: a journal must never know more than the repository."""
        new = commit not in self._commits and branch != BASE
        content = await _bundle(git, branch, tuple(self._commits)) if new else b""
        if not await self._database.value(
            "select hekaton.save($1, $2, $3, $4, $5)",
            self._mission, self._token, branch, commit, content,
        ):  # fmt: skip
            raise Fenced(f"Another conductor has taken mission {self._mission!r}.")
        self._commits[commit] = None


class KeptWorkspace:
    """A `Workspace` whose branches are kept."""

    def __init__(self, workspace: GitWorkspace, kept: Kept) -> None:
        self._workspace = workspace
        self._kept = kept

    async def read(self, effect: Read) -> Files:
        return await self._workspace.read(effect)

    async def write(self, effect: Write) -> Written | Rejected:
        done = await self._workspace.write(effect)
        if isinstance(done, Written):
            await self._kept.save(self._workspace.git, effect.branch, done.commit)
        return done

    async def run(self, effect: Run) -> Ran:
        return await self._workspace.run(effect)

    async def examine(self, effect: Examine) -> Examined:
        return await self._workspace.examine(effect)

    async def merge(self, effect: Merge) -> Merged | Unmerged:
        done = await self._workspace.merge(effect)
        if isinstance(done, Merged):
            await self._kept.save(self._workspace.git, effect.into, done.commit)
        return done


async def _bundle(git: Git, branch: str, known: tuple[str, ...]) -> bytes:
    """What a branch has beyond the known commits."""
    said = await git.run(
        *("bundle", "create", "--quiet", "-", f"refs/heads/{branch}"),
        *(f"^{commit}" for commit in known),
    )
    return said.out


async def _unbundle(git: Git, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=git.directory.parent, prefix="index-") as file:
        Path(file.name).write_bytes(content)
        await git.run("bundle", "unbundle", file.name)


async def _is_ancestor(git: Git, older: str, newer: str) -> bool:
    if not newer:
        return False
    said = await git.run("merge-base", "--is-ancestor", older, newer, check=False)
    return said.code == 0
