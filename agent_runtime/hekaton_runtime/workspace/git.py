"""The git program, without a shell and without anybody's configuration.

The repository is bare and only ever written through its object store and references; no command of
a mission can reach it, and nothing in a tree (hooks, attributes, filters, submodules, a `.git` file)
is ever acted upon. Dates and author are fixed, so the same content gives the same commit.
"""

import asyncio
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dulwich.file import FileLocked

from hekaton_runtime.errors import HekatonError, Unavailable
from hekaton_runtime.room import is_full, refused, reported, told
from hekaton_runtime.workspace.commits import Changes, Commits, Elsewhere, Made, worded

AUTHOR = "Hekaton"
ADDRESS = "hekaton@localhost"
NONE = "0" * 40
HARMLESS = ("badTimezone", "missingSpaceBeforeDate", "zeroPaddedFilemode", "missingEmail")
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.symlinks=true",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.autocrlf=false",
    "core.pager=cat",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "transfer.fsckObjects=true",
    # Old, harmless faults that many well-known repositories carry in their history.
    *(f"fetch.fsck.{fault}=ignore" for fault in HARMLESS),
    "merge.renames=true",
    "diff.external=",
    "protocol.allow=never",
)
# Wins over every .gitattributes of a tree: bytes are bytes, and merges are git's own.
ATTRIBUTES = (
    "* -text -ident -filter !eol !merge !diff !working-tree-encoding !export-ignore !export-subst\n"
)
INHERITED = (
    *("PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"),
)


class GitFailed(HekatonError):
    """git said no: its own words."""


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode(errors="replace").strip()


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree."""

    path: str
    mode: str
    blob: str
    size: int


def network_environment() -> dict[str, str]:
    """What a clone may know of the user's environment: how to reach and to trust the server."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


class Git:
    """One bare repository. `when`: seconds since 1970, the date of every commit."""

    def __init__(self, directory: Path, when: int) -> None:
        self.directory = directory
        self._when = when
        program = shutil.which("git")
        if program is None:
            raise Unavailable("The program git is not installed: install git 2.38 or later.")
        self._program = program
        self._commits = Commits(directory, f"{AUTHOR} <{ADDRESS}>", when)

    async def run(
        self,
        *arguments: str,
        given: bytes = b"",
        settings: tuple[str, ...] = (),
        extra: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> Said:
        """Run one git command to its end; cancelling kills it.

        Raises `GitFailed` if `check`, and `Unavailable` where there is no room to write in.
        """
        options = [part for setting in (*SETTINGS, *settings) for part in ("-c", setting)]
        process = await asyncio.create_subprocess_exec(
            *(self._program, *options, f"--git-dir={self.directory}", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**self._environment(), **(extra or {})},
            cwd=self.directory.parent,
            start_new_session=True,
        )
        try:
            out, err = await process.communicate(given)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, 9)
                await process.wait()
        said = Said(process.returncode or 0, out, err.decode(errors="replace").strip())
        place = self.directory.parent
        if said.code != 0 and (why := reported(said.err)):
            raise Unavailable(refused(place, why))
        if check and said.code != 0:
            if is_full(place):  # not every command of git says what it failed for
                raise Unavailable(refused(place, os.strerror(errno.ENOSPC)))
            raise GitFailed(f"git {arguments[0]} failed with exit code {said.code}: {said.err}")
        return said

    def _environment(self) -> dict[str, str]:
        date = f"{self._when} +0000"
        return {
            "PATH": os.defpath,
            "HOME": str(self.directory),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
            "GIT_AUTHOR_NAME": AUTHOR,
            "GIT_AUTHOR_EMAIL": ADDRESS,
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": AUTHOR,
            "GIT_COMMITTER_EMAIL": ADDRESS,
            "GIT_COMMITTER_DATE": date,
        }

    async def create(self) -> None:
        """Make the bare repository; again is no harm."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self.run(
            *(
                "init",
                "--quiet",
                "--bare",
                "--template=",
                "--initial-branch=base",
                "--object-format=sha1",
            )
        )
        self._commits.unlock()
        info = self.directory / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_text(ATTRIBUTES)

    async def commit_of(self, branch: str) -> str:
        """The commit a branch is at; empty when there is no such branch."""
        return (await self.tips(branch))[0]

    async def tips(self, *branches: str) -> tuple[str, ...]:
        """`commit_of` of several, without a process."""
        return self._commits.tips(*branches)

    async def move(self, branch: str, new: str, old: str) -> bool:
        """Set a branch from `old` (empty: it must be new) to `new`; False if it is elsewhere."""
        return await self._here(branch, partial(self._commits.move, branch, new, old))

    async def entries(self, tree: str) -> tuple[Entry, ...]:
        """Every file of a commit or tree, sorted by path. Paths that are not UTF-8 are left out."""
        said = await self.run("ls-tree", "-r", "-z", "-l", "--full-tree", tree)
        found = []
        for record in filter(None, said.out.split(b"\0")):
            facts, _, raw = record.partition(b"\t")
            mode, _, blob, size = facts.decode().split()
            with suppress(UnicodeDecodeError):
                found.append(Entry(raw.decode(), mode, blob, 0 if size == "-" else int(size)))
        return tuple(sorted(found, key=lambda entry: entry.path))

    async def blobs(self, names: tuple[str, ...]) -> tuple[bytes, ...]:
        """The contents, in the same order."""
        if not names:
            return ()
        said = await self.run(
            "cat-file", "--batch", given="".join(f"{n}\n" for n in names).encode()
        )
        found, at = [], 0
        for _ in names:
            end = said.out.index(b"\n", at)
            size = int(said.out[at:end].rpartition(b" ")[2])
            found.append(said.out[end + 1 : end + 1 + size])
            at = end + 1 + size + 1
        return tuple(found)

    async def store(self, content: bytes) -> str:
        """Keep a content as it is, no filter applied; its name."""
        return (await self.run("hash-object", "-w", "--stdin", given=content)).text

    @contextmanager
    def index(self) -> Iterator[dict[str, str]]:
        """An index of one's own for a while, as the environment that names it."""
        with tempfile.TemporaryDirectory(dir=self.directory.parent, prefix="index-") as folder:
            yield {"GIT_INDEX_FILE": str(Path(folder) / "index")}

    async def tree_with(
        self, tree: str, changes: tuple[tuple[str, str, str], ...], *, replace: bool = False
    ) -> str:
        """The tree with (path, mode, blob) put in; an empty blob removes the path."""
        with self.index() as index:
            await self.run("read-tree", tree, extra=index)
            for removal in (True, False):
                lines = [
                    f"{'0' if removal else mode} {blob or NONE}\t{path}\0".encode()
                    for path, mode, blob in changes
                    if removal == (not blob)
                ]
                options = ["--replace"] if replace else []
                await self.run(
                    *("update-index", "--add", *options, "-z", "--index-info"),
                    given=b"".join(lines),
                    extra=index,
                )
            return (await self.run("write-tree", extra=index)).text

    async def commit(self, tree: str, parents: tuple[str, ...], message: str) -> str:
        """A commit object; no branch moves."""
        options = [part for parent in parents for part in ("-p", parent)]
        return (await self.run("commit-tree", tree, *options, given=worded(message))).text

    async def grow(self, branch: str, start: str, changes: Changes, message: str) -> str:
        """Set a branch, which is at `start` or new, to a commit of these changes on it.

        The same commit as `store`, `tree_with`, `commit` and `move` make, without a process.
        """
        made = partial(self._commits.grow, branch, start, changes, message)
        return await self._here(branch, made)

    async def join(
        self, branch: str, target: str, source: str, puts: Sequence[Entry], message: str
    ) -> str:
        """Set a branch, which is at `target` or new, to a merge of `source`, without a process.

        The same commit as `merge-tree`, `commit` and `move` make where git has nothing to decide.
        """
        lines = [(put.path, put.mode, put.blob) for put in puts]
        made = partial(self._commits.join, branch, target, source, lines, message)
        return await self._here(branch, made)

    async def _here(self, branch: str, make: Callable[[], Made]) -> Made:
        """What a thread makes. Raises as `run` does."""
        try:
            return await asyncio.to_thread(self._commits.in_turn, make)
        except OSError as fault:
            raise Unavailable(told(fault, self.directory)) from fault
        except (KeyError, FileLocked, Elsewhere) as fault:
            raise GitFailed(f"{branch!r} cannot be set: {fault}") from fault

    async def checkout(self, tree: str, folder: Path, paths: tuple[str, ...] = ()) -> None:
        """Put the files of a tree, or those named, into a folder; no git data is put there.

        What is in the way is removed, links are not followed.
        """
        with self.index() as index:
            await self.run("read-tree", tree, extra=index)
            place = {**index, "GIT_WORK_TREE": str(folder)}
            what = ("--", *paths) if paths else ("--all",)
            await self.run("checkout-index", "--force", "--quiet", *what, extra=place)
