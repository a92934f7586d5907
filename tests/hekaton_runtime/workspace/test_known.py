"""What a process knows of its commits spares it git, and changes nothing that comes out."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hekaton_runtime.answers import FileChange
from hekaton_runtime.brief import FileText
from hekaton_runtime.effects import Merge, Read, Write
from hekaton_runtime.results import Files, Merged, Rejected, Unmerged, Written
from hekaton_runtime.workspace.prepare import Inline, prepare
from hekaton_runtime.workspace.repository import GitWorkspace
from hekaton_runtime.workspace.sandbox import Unconfined

WHEN = 1_700_000_000
START = (
    FileText(path="a.txt", text="one\ntwo\nthree\n"),
    FileText(path="dir/b.txt", text="1\n2\n3\n"),
    FileText(path="dir/c.txt", text="c\n"),
)
Effect = Read | Write | Merge
PATHS = st.sampled_from(("a.txt", "dir/b.txt", "dir/c.txt", "new.txt", "dir/new.txt", "new.txt/in"))
CHANGES = st.builds(
    lambda path, text, gone: FileChange(path=path, content="" if gone else text, delete=gone),
    PATHS, st.sampled_from(("one\ntwo\nthree\n", "one\n2\nthree\n", "x\n")), st.sampled_from((False, False, False, True)),
)  # fmt: skip
BRANCHES = st.sampled_from(("t1", "t2", "t3"))
WRITES = st.builds(
    lambda branch, files: Write(branch=branch, base="build", files=tuple(files), message="work"),
    BRANCHES,
    st.lists(CHANGES, min_size=1, max_size=2, unique_by=lambda change: change.path),
)
MERGES = st.builds(lambda branch: Merge(source=branch, into="build"), BRANCHES)
READS = st.builds(lambda branch: Read(branch=branch), BRANCHES)


async def _performed(workspace: GitWorkspace, effect: Effect) -> object:
    try:
        match effect:
            case Read():
                return await workspace.read(effect)
            case Write():
                return await workspace.write(effect)
            case Merge():
                return await workspace.merge(effect)
    except Exception as fault:  # the same fault is wanted of both
        return (type(fault), str(fault))


async def _both(effects: list[Effect], folder: Path) -> None:
    one = await prepare(folder / "one", Inline(START), WHEN, Unconfined())
    two = await prepare(folder / "two", Inline(START), WHEN, Unconfined())
    for effect in (Merge(source="base", into="build"), *effects):
        knowing = await _performed(one, effect)
        # Another process each time, which knows nothing.
        fresh = await _performed(GitWorkspace(two.git.directory.parent, WHEN, Unconfined()), effect)
        if isinstance(knowing, Written) and isinstance(fresh, Written):
            # To a new process a write that was there already is its predecessor's.
            assert knowing.commit == fresh.commit, effect
        else:
            assert knowing == fresh, effect
            assert isinstance(knowing, Files | Merged | Unmerged | Rejected | tuple)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(effects=st.lists(st.one_of(WRITES, WRITES, MERGES, READS), min_size=3, max_size=8))
def test_a_process_that_knows_its_commits_does_what_one_does_that_asks_git(
    effects: list[Effect],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_both(effects, Path(folder)))


async def test_tasks_side_by_side_are_merged_to_the_commits_that_git_would_make(
    tmp_path: Path,
) -> None:
    names = ("t1", "t2", "t3")
    writes = [
        Write(
            branch=name,
            base="build",
            files=(FileChange(path=f"dir/{name}.txt", content=name),),
            message="work",
        )
        for name in names
    ]
    merges = [Merge(source=name, into="build") for name in names]
    await _both([*writes, *merges, Read(branch="build")], tmp_path)
