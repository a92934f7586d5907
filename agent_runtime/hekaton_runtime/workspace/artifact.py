"""What a mission leaves: its result as a patch and as a bundle that `git clone` accepts."""

import re
from dataclasses import dataclass
from pathlib import Path

from hekaton_runtime.errors import BadInput
from hekaton_runtime.room import write_whole
from hekaton_runtime.workspace.paths import branch_faults
from hekaton_runtime.workspace.repository import BASE, GitWorkspace

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Artifact:
    branch: str
    commit: str
    patch: Path
    """From `base` to the branch, binary files included; for `git apply`."""
    bundle: Path
    """The whole history with HEAD on the branch; for `git clone`."""


async def export(workspace: GitWorkspace, branch: str, folder: Path, mission: str) -> Artifact:
    """Write both files, named after the mission, into `folder`; again overwrites them."""
    git = workspace.git
    commit = "" if branch_faults(branch) else await git.commit_of(branch)
    if not commit:
        raise BadInput((f"The workspace has no branch {branch!r}: nothing can be exported.",))
    folder.mkdir(parents=True, exist_ok=True)
    name = UNSAFE.sub("-", mission).strip("-.") or "mission"
    patch = folder.resolve() / f"{name}.patch"
    bundle = folder.resolve() / f"{name}.bundle"
    diff = await git.run(
        *("diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"),
        *(f"refs/heads/{BASE}", commit, "--"),
    )
    write_whole(patch, diff.out)
    # A clone of the bundle checks out what HEAD is at; the other names would make that ambiguous.
    await git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    await git.run("bundle", "create", "--quiet", str(bundle), "HEAD", f"refs/heads/{branch}")
    return Artifact(branch, commit, patch, bundle)
