"""Make a mission's workspace from its files or from a repository; again after a crash goes on."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from hekaton_runtime.answers import FileChange
from hekaton_runtime.brief import FileText
from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.workspace.credentials import access, without
from hekaton_runtime.workspace.git import Git, GitFailed
from hekaton_runtime.workspace.paths import change_faults
from hekaton_runtime.workspace.protocol import Limits, Sandbox
from hekaton_runtime.workspace.repository import BASE, GitWorkspace
from hekaton_runtime.workspace.sandbox import erase

SECURE = re.compile(r"https://[^\s-][^\s]*")
SHELL = re.compile(
    r"ssh://[^\s-][^\s]*|[A-Za-z0-9_.][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^\s]+"
)
REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@-]*")
GIT_SAID = re.compile(r"^git fetch failed with exit code -?\d+: ")
FOLLOWS = "fatal: Could not read from remote repository"
"""What git adds to the reason that ssh gave."""
GRAVE = ("error: ", "fatal: ")
USERINFO = re.compile(r"(?<=://)[^/@\s]+@")


class Unfetched(Unavailable):
    """The workspace's repository cannot be reached: another address, key or time may help."""


@dataclass(frozen=True, slots=True)
class Inline:
    """The files themselves, as a Mission carries them."""

    files: tuple[FileText, ...]


@dataclass(frozen=True, slots=True)
class Clone:
    """A repository: a local path, https:// or ssh; `ref` is a branch, tag or commit, empty its HEAD."""

    url: str
    ref: str = ""
    key: str = field(default="", repr=False)
    """A token or a private ssh key; empty: whatever the user's own environment has."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it stands, or the HEAD of the repository that it is."""

    path: Path


Source = Inline | Clone | Folder


async def prepare(
    root: Path,
    source: Source,
    when: int,
    sandbox: Sandbox,
    *,
    hidden: tuple[FileText, ...] = (),
    limits: Limits | None = None,
) -> GitWorkspace:
    """The workspace under `root` with the source on branch `base`. Raises `BadInput`.

    `when` (seconds since 1970) dates all commits: give the mission's creation, so that a second
    call makes the same ones. What is there already is kept.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    workspace = GitWorkspace(root.resolve(), when, sandbox, hidden=hidden, limits=limits)
    for name in ("scratch", *(path.name for path in root.glob("index-*"))):
        await erase(root.resolve() / name)
    await workspace.git.create()
    if await workspace.git.commit_of(BASE):
        return workspace
    match source:
        case Inline(files):
            await _store_files(workspace.git, files)
        case Clone():
            await _fetch(workspace.git, source)
        case Folder(path):
            await _take_folder(workspace.git, path)
        case _:
            assert_never(source)
    return workspace


async def _store_files(git: Git, files: tuple[FileText, ...]) -> None:
    changes = tuple(FileChange(path=file.path, content=file.text) for file in files)
    if faults := change_faults(changes, {}):
        raise BadInput(tuple(f"Workspace: {text}." for _, text in faults))
    blobs = [(each.path, "100644", await git.store(each.content.encode())) for each in changes]
    empty = (await git.run("mktree")).text
    tree = await git.tree_with(empty, tuple(blobs))
    await git.move(BASE, await git.commit(tree, (), "Start of the mission"), "")


async def _take_folder(git: Git, path: Path) -> None:
    """Its files, less what its own .gitignore names; a repository's as they were committed."""
    if not path.is_dir():
        raise BadInput(
            (f"spec.workspace.pvc: the volume has no folder {str(path)!r}: name another.",)
        )
    if (path / ".git").exists() or (path / "HEAD").is_file():
        return await _fetch(git, Clone(str(path)))
    with git.index() as index:
        place = {**index, "GIT_WORK_TREE": str(path)}
        await git.run("add", "--all", "--", str(path), extra=place)
        tree = (await git.run("write-tree", extra=index)).text
    await git.move(BASE, await git.commit(tree, (), "Start of the mission"), "")


def protocol_of(url: str) -> str:
    """Which of git's transports the address means; empty for one that is not allowed."""
    if SECURE.fullmatch(url):
        return "https"
    if SHELL.fullmatch(url):
        return "ssh"
    if url and not url.startswith("-") and "::" not in url and Path(url).expanduser().is_dir():
        return "file"
    return ""


async def _fetch(git: Git, source: Clone) -> None:
    url, ref = source.url, source.ref
    protocol = protocol_of(url)
    shown = USERINFO.sub("", url)
    faults = []
    if not protocol:
        faults.append(
            f"The workspace's git url {shown!r} is neither an existing folder nor https:// nor ssh."
        )
    if ref and (not REF.fullmatch(ref) or ".." in ref):
        faults.append(
            f"The workspace's git ref {ref!r} is not the name of a branch, tag or commit."
        )
    if faults:
        raise BadInput(tuple(faults))
    address = str(Path(url).expanduser().resolve()) if protocol == "file" else url
    try:
        with access(url, protocol, source.key) as environ:
            await git.run(
                *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head"),
                *("--no-recurse-submodules", "--", address, f"{ref or 'HEAD'}:refs/heads/{BASE}"),
                settings=(f"protocol.{protocol}.allow=always", "safe.directory=*"),
                extra=environ,
            )
    except GitFailed as fault:
        said = without(source.key, USERINFO.sub("", str(fault)))
        raise _explained(said, shown, ref, protocol) from None


def _explained(said: str, shown: str, ref: str, protocol: str) -> BadInput | Unavailable:
    if "does not appear to be a git repository" in said:
        return BadInput((f"The workspace's git url {shown!r} holds no git repository.",))
    if "couldn't find remote ref" in said or "not our ref" in said:
        if ref in ("", "HEAD"):
            why = "has no commit yet at its HEAD: commit there first, or name another ref."
            return BadInput((f"The repository {shown!r} {why}",))
        return BadInput((f"The repository {shown!r} has no ref {ref!r}: name another.",))
    text = f"The repository {shown!r} could not be fetched ({_cause(said)})."
    if protocol == "file":
        return BadInput((f"{text} Name another.",))
    return Unfetched(
        f"{text} Check spec.workspace.git.url, the key that it needs, and the network."
    )


def _cause(said: str) -> str:
    """git's own reason, without what follows from it."""
    lines = [GIT_SAID.sub("", line).strip() for line in said.splitlines()]
    told = [line for line in lines if line and not line.startswith(FOLLOWS)]
    firsts = (next((line for line in told if line.startswith(how)), "") for how in GRAVE)
    reasons = [line.partition(": ")[2].rstrip(".") for line in firsts if line] or told[:1]
    return "; ".join(reasons) or "git does not say why"
