"""Commits that are made without git are the very ones that git makes."""

import asyncio
import errno
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hekaton_runtime.errors import Unavailable
from hekaton_runtime.workspace.git import Git, GitFailed

WHEN = 1_700_000_000
PATHS = ("a", "a/b", "a/b/c", "a.b", "a-b/c", "d/e", "d/f", "é/ü x")
TREES = st.lists(st.sampled_from(PATHS), unique=True, min_size=1).map(
    lambda paths: [p for p in paths if not any(q.startswith(f"{p}/") for q in paths)]
)


async def _made(folder: Path) -> Git:
    git = Git(folder / "repo.git", WHEN)
    await git.create()
    return git


async def _begun(git: Git, paths: list[str]) -> str:
    """A commit with these files, by git's own single steps."""
    blob = await git.store(b"before")
    empty = (await git.run("hash-object", "-t", "tree", "-w", "--stdin")).text
    tree = await git.tree_with(empty, tuple((path, "100644", blob) for path in paths))
    return await git.commit(tree, (), "start")


async def _alike(before: list[str], after: list[str], kept: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        git = await _made(Path(folder))
        start, blob = await _begun(git, before), await git.store(b"after")
        gone = [path for path in before if path not in after and path not in kept]
        free = [path for path in after if not _blocked(path, set(before) - set(gone))]
        changes = tuple((path, "", None) for path in gone)
        puts = tuple((path, "100755", b"after") for path in free)
        steps = tuple((path, "100644", "") for path in gone)
        tree = await git.tree_with(start, (*steps, *((p, "100755", blob) for p in free)))
        wanted = await git.commit(tree, (start,), "words")
        assert await git.grow("grown", start, (*changes, *puts), "words") == wanted
        assert await git.tips("grown") == (wanted,)
        if not gone:
            merged = await git.commit(tree, (start, wanted), "merge")
            entries = [entry for entry in await git.entries(wanted) if entry.path in free]
            assert await git.join("joined", start, wanted, entries, "merge") == merged
        await git.run("fsck", "--strict", "--no-dangling")


def _blocked(path: str, there: set[str]) -> bool:
    """Whether a file stands where a folder must be, or the other way round."""
    return any(p.startswith(f"{path}/") or path.startswith(f"{p}/") for p in there)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=TREES, after=TREES, kept=st.sets(st.sampled_from(PATHS)))
def test_whatever_is_put_and_removed_comes_out_as_git_would_have_it(
    before: list[str], after: list[str], kept: set[str]
) -> None:
    asyncio.run(_alike(before, after, kept))


async def test_a_lock_that_a_killed_process_left_stops_nobody(tmp_path: Path) -> None:
    git = await _made(tmp_path)
    start = await _begun(git, ["a"])
    lock = git.directory / "refs" / "heads" / "task" / "one.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with pytest.raises(GitFailed, match="task/one"):
        await git.grow("task/one", start, (("b", "100644", b""),), "words")
    await git.create()
    commit = await git.grow("task/one", start, (("b", "100644", b""),), "words")
    assert await git.tips("task/one") == (commit,)


async def test_the_same_content_on_many_branches_at_once_is_no_quarrel(tmp_path: Path) -> None:
    git = await _made(tmp_path)
    start = await _begun(git, ["a"])
    names = tuple(f"task/{number}" for number in range(30))
    change = (("b", "100644", b"alike"),)
    async with asyncio.TaskGroup() as group:
        made = [group.create_task(git.grow(name, start, change, "words")) for name in names]
    assert await git.tips(*names) == tuple(task.result() for task in made)


async def test_a_start_that_is_not_there_is_named(tmp_path: Path) -> None:
    git = await _made(tmp_path)
    with pytest.raises(GitFailed, match="'b' cannot be set"):
        await git.grow("b", "1" * 40, (("x", "100644", b""),), "words")


async def test_a_folder_that_cannot_be_written_is_the_machine_s_trouble(tmp_path: Path) -> None:
    git = await _made(tmp_path)
    start = await _begun(git, ["a"])
    objects = git.directory / "refs" / "heads"
    objects.rmdir()
    objects.write_text("a file where a folder must be")
    with pytest.raises(Unavailable, match="cannot be written") as told:
        await git.grow("b", start, (("x", "100644", b""),), "words")
    cause = told.value.__cause__
    assert isinstance(cause, OSError)
    assert cause.errno in (errno.ENOTDIR, errno.EEXIST)
