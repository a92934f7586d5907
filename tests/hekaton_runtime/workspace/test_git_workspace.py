"""A mission's repository: reading, writing, running and merging, again and again and at once."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from hekaton_runtime.answers import FileChange
from hekaton_runtime.brief import FileText
from hekaton_runtime.effects import Merge, Read, Run, Write
from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.results import Merged, Rejected, Unmerged, Written
from hekaton_runtime.workspace.artifact import export
from hekaton_runtime.workspace.git import Git, GitFailed
from hekaton_runtime.workspace.prepare import Inline, prepare
from hekaton_runtime.workspace.protocol import Execution, Limits, Sandbox
from hekaton_runtime.workspace.repository import GitWorkspace
from hekaton_runtime.workspace.sandbox import LandlockSandbox

WHEN = 1_700_000_000
START = (FileText(path="a.txt", text="one\n"), FileText(path="src/b.txt", text="two\n"))


class Gate:
    """A sandbox whose commands wait until they are let through, and then pass."""

    def __init__(self) -> None:
        self.waiting = asyncio.Queue[asyncio.Event]()
        self.runs = 0

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        self.runs += 1
        go = asyncio.Event()
        await self.waiting.put(go)
        await go.wait()
        return Execution(0, "", 0.0)


class Late:
    """A sandbox whose commands begin when they are let through."""

    def __init__(self, inner: Sandbox) -> None:
        self._inner = inner
        self.began, self.go = asyncio.Event(), asyncio.Event()

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        self.began.set()
        await self.go.wait()
        return await self._inner.run(command, folder, limits)


class Slow(Git):
    """Git that tells where branches are when it is let to, the first time."""

    def __init__(self, directory: Path, when: int) -> None:
        super().__init__(directory, when)
        self.asked, self.answered = asyncio.Event(), asyncio.Event()

    async def tips(self, *branches: str) -> tuple[str, ...]:
        if not self.asked.is_set():
            self.asked.set()
            await self.answered.wait()
        return await super().tips(*branches)


async def _workspace(
    root: Path, sandbox: Sandbox | None = None, hidden: tuple[FileText, ...] = ()
) -> GitWorkspace:
    return await prepare(root, Inline(START), WHEN, sandbox or LandlockSandbox(), hidden=hidden)


@pytest.fixture
async def workspace(tmp_path: Path) -> GitWorkspace:
    return await _workspace(tmp_path / "root")


def _write(branch: str, path: str, content: str, base: str = "base") -> Write:
    files = (FileChange(path=path, content=content),)
    return Write(branch=branch, base=base, files=files, message=f"Change {path}")


async def _written(workspace: GitWorkspace, effect: Write) -> Written:
    result = await workspace.write(effect)
    assert isinstance(result, Written)
    return result


async def test_reading_gives_the_sorted_tree_and_the_text_files(workspace: GitWorkspace) -> None:
    files = await workspace.read(Read(branch="base"))
    assert files.tree == ("a.txt", "src/b.txt")
    assert files.files == START


async def test_reading_takes_the_smallest_files_that_fit(workspace: GitWorkspace) -> None:
    await _written(workspace, _write("t", "c.txt", "x" * 50))
    await _written(workspace, _write("t", "bin", "x\0y"))
    files = await workspace.read(Read(branch="t", limit=20))
    assert [file.path for file in files.files] == ["a.txt", "src/b.txt"]
    assert "c.txt" in files.tree


async def test_reading_named_paths_keeps_their_order_and_leaves_out_what_is_not_there(
    workspace: GitWorkspace,
) -> None:
    asked = ("src/b.txt", "gone", "../x", "a.txt", "a.txt")
    files = await workspace.read(Read(branch="base", paths=asked))
    assert [file.path for file in files.files] == ["src/b.txt", "a.txt"]


async def test_writing_makes_the_branch_and_leaves_base_alone(workspace: GitWorkspace) -> None:
    written = await _written(workspace, _write("task/1", "a.txt", "new\n"))
    assert written.changed
    assert (await workspace.read(Read(branch="task/1"))).files[0].text == "new\n"
    assert (await workspace.read(Read(branch="base"))).files[0].text == "one\n"


async def test_writing_the_same_again_changes_nothing(workspace: GitWorkspace) -> None:
    first = await _written(workspace, _write("t", "a.txt", "new\n"))
    again = await _written(workspace, _write("t", "a.txt", "new\n"))
    assert again == Written(commit=first.commit, changed=False)


async def test_a_write_without_effect_still_makes_the_branch(workspace: GitWorkspace) -> None:
    written = await _written(workspace, _write("t", "a.txt", "one\n"))
    assert not written.changed
    assert (await workspace.read(Read(branch="t"))).tree == ("a.txt", "src/b.txt")


async def test_deleting_removes_the_file_and_a_missing_one_is_no_matter(
    workspace: GitWorkspace,
) -> None:
    gone = tuple(FileChange(path=path, delete=True) for path in ("a.txt", "never"))
    await _written(workspace, Write(branch="t", base="base", files=gone, message="Delete"))
    assert (await workspace.read(Read(branch="t"))).tree == ("src/b.txt",)


async def test_a_file_may_give_way_to_a_folder_in_one_write(workspace: GitWorkspace) -> None:
    files = (FileChange(path="a.txt", delete=True), FileChange(path="a.txt/in", content="x"))
    await _written(workspace, Write(branch="t", base="base", files=files, message="Turn"))
    assert "a.txt/in" in (await workspace.read(Read(branch="t"))).tree


async def test_a_bad_write_is_rejected_whole_with_every_finding(workspace: GitWorkspace) -> None:
    paths = ("../out", ".git/hooks/post-checkout", "fine.txt", "a\0b")
    files = tuple(FileChange(path=path, content="x") for path in paths)
    result = await workspace.write(Write(branch="t", base="base", files=files, message="m"))
    assert isinstance(result, Rejected)
    assert {finding.file for finding in result.findings} == set(paths) - {"fine.txt"}
    with pytest.raises(BadInput, match="no branch 't'"):
        await workspace.read(Read(branch="t"))


async def test_a_write_done_again_after_a_crash_gives_the_same_result(tmp_path: Path) -> None:
    effect = _write("t", "a.txt", "new\n")
    first = await _written(await _workspace(tmp_path), effect)
    again = await _written(await _workspace(tmp_path), effect)
    assert again == first


async def test_the_same_writes_elsewhere_make_the_same_commits(tmp_path: Path) -> None:
    commits = [
        (await _written(await _workspace(tmp_path / name), _write("t", "x", "y"))).commit
        for name in ("one", "two")
    ]
    assert commits[0] == commits[1]


async def test_many_writers_at_once_lose_nothing(workspace: GitWorkspace) -> None:
    await asyncio.gather(*(_written(workspace, _write("t", f"f{n}", str(n))) for n in range(8)))
    tree = (await workspace.read(Read(branch="t"))).tree
    assert {f"f{number}" for number in range(8)} <= set(tree)


@pytest.mark.parametrize("branch", ["../x", "-x", "X", "a..b", ""])
async def test_a_bad_branch_name_is_refused(workspace: GitWorkspace, branch: str) -> None:
    with pytest.raises(BadInput, match="not allowed"):
        await workspace.write(_write(branch, "a", "b"))
    with pytest.raises(BadInput, match="not allowed"):
        await workspace.read(Read(branch=branch))


async def test_the_start_is_never_written_to(workspace: GitWorkspace) -> None:
    with pytest.raises(BadInput, match="mission's start"):
        await workspace.write(_write("base", "a", "b"))
    with pytest.raises(BadInput, match="mission's start"):
        await workspace.merge(Merge(source="base", into="base"))


async def test_commands_run_on_committed_files_and_leave_nothing(workspace: GitWorkspace) -> None:
    commands = ("cat a.txt; echo changed > a.txt; mkdir cache; touch cache/x", "cat a.txt; ls")
    ran = await workspace.run(Run(branch="base", commands=commands, seconds=20))
    assert ran.passed
    assert ran.output == "one\nchanged\na.txt\ncache\nsrc"
    assert (await workspace.read(Read(branch="base"))).files == START
    assert list((workspace.git.directory.parent / "scratch").iterdir()) == []


async def test_a_command_finds_no_git_data(workspace: GitWorkspace) -> None:
    root = workspace.git.directory
    command = f"ls -a; ls {root} || git -C {root} log || echo none"
    ran = await workspace.run(Run(branch="base", commands=(command,), seconds=20))
    assert ".git" not in ran.output.split()
    assert ran.output.endswith("none")


async def test_the_first_failure_ends_the_run(workspace: GitWorkspace) -> None:
    effect = Run(branch="base", commands=("true", "echo no; exit 3", "echo never"), seconds=20)
    ran = await workspace.run(effect)
    assert (ran.passed, ran.command, ran.exit_code, ran.output) == (
        False,
        "echo no; exit 3",
        3,
        "no",
    )


async def test_the_commands_share_their_time(workspace: GitWorkspace) -> None:
    ran = await workspace.run(Run(branch="base", commands=("sleep 0.3", "sleep 30"), seconds=5))
    assert not ran.passed
    assert ran.command == "sleep 30"
    assert "timed out after " in ran.findings[0].text


async def test_hidden_files_are_laid_over_acceptance_alone_and_never_shown(tmp_path: Path) -> None:
    hidden = (FileText(path="src/check.sh", text="echo secret; exit 4\n"),)
    workspace = await _workspace(tmp_path, hidden=hidden)
    effect = Run(branch="base", commands=("sh src/check.sh",), seconds=20, acceptance=True)
    ran = await workspace.run(effect)
    assert ran.exit_code == 4
    assert ran.output == (
        "'sh src/check.sh' failed with exit code 4; its output is hidden because the mission has "
        "hidden acceptance files"
    )
    plain = await workspace.run(Run(branch="base", commands=("ls src",), seconds=20))
    assert plain.output == "b.txt"
    assert (await workspace.read(Read(branch="base"))).tree == ("a.txt", "src/b.txt")


async def test_a_hidden_file_replaces_what_a_branch_put_in_its_way(tmp_path: Path) -> None:
    workspace = await _workspace(tmp_path, hidden=(FileText(path="check", text="exit 5\n"),))
    await _written(workspace, _write("t", "check/fake", "exit 0\n"))
    ran = await workspace.run(Run(branch="t", commands=("sh check",), seconds=20, acceptance=True))
    assert ran.exit_code == 5


async def test_a_merge_moves_the_target_when_the_gate_passes(workspace: GitWorkspace) -> None:
    await _written(workspace, _write("one", "x", "1"))
    await _written(workspace, _write("two", "y", "2"))
    for source in ("one", "two"):
        merged = await workspace.merge(
            Merge(source=source, into="main", commands=("test -e a.txt",))
        )
        assert isinstance(merged, Merged)
    assert (await workspace.read(Read(branch="main"))).tree == ("a.txt", "src/b.txt", "x", "y")


async def test_a_branch_that_moves_while_its_commands_run_was_not_what_they_judged(
    tmp_path: Path,
) -> None:
    """What is checked and what is merged is one commit, whatever is written between the check and its use."""
    late = Late(LandlockSandbox())
    workspace = await _workspace(tmp_path, late)
    good = await _written(workspace, _write("t", "x", "good"))
    gate = Merge(source="t", into="main", commands=("test $(cat x) = good",))
    merging = asyncio.create_task(workspace.merge(gate))
    await late.began.wait()
    await _written(workspace, _write("t", "x", "evil"))
    late.go.set()
    assert await merging == Merged(commit=good.commit)
    (shown,) = (await workspace.read(Read(branch="main", paths=("x",)))).files
    assert shown.text == "good"


async def test_a_merge_done_again_after_a_crash_gives_the_same_result(tmp_path: Path) -> None:
    workspace = await _workspace(tmp_path)
    await _written(workspace, _write("one", "x", "1"))
    await _written(workspace, _write("main", "y", "2"))
    first = await workspace.merge(Merge(source="one", into="main"))
    assert await (await _workspace(tmp_path)).merge(Merge(source="one", into="main")) == first


async def test_a_failed_gate_leaves_the_target(workspace: GitWorkspace) -> None:
    await _written(workspace, _write("one", "x", "1"))
    result = await workspace.merge(Merge(source="one", into="main", commands=("echo bad; false",)))
    assert isinstance(result, Unmerged)
    assert (result.kind, result.ran and result.ran.output) == ("gate", "bad")
    with pytest.raises(BadInput, match="no branch 'main'"):
        await workspace.read(Read(branch="main"))


async def test_a_conflict_names_the_files(workspace: GitWorkspace) -> None:
    await _written(workspace, _write("one", "a.txt", "x\n"))
    await _written(workspace, _write("main", "a.txt", "y\n"))
    result = await workspace.merge(Merge(source="one", into="main"))
    assert isinstance(result, Unmerged)
    assert (result.kind, result.detail) == ("conflict", "'one' and 'main' both change: a.txt")


async def test_planted_attributes_do_not_hide_a_conflict(workspace: GitWorkspace) -> None:
    for branch, text in (("one", "x\n"), ("main", "y\n")):
        files = (
            FileChange(path=".gitattributes", content="* merge=union text eol=crlf\n"),
            FileChange(path="a.txt", content=text),
        )
        await _written(workspace, Write(branch=branch, base="base", files=files, message="m"))
    assert isinstance(await workspace.merge(Merge(source="one", into="main")), Unmerged)
    ran = await workspace.run(Run(branch="one", commands=("od -c a.txt | head -1",), seconds=20))
    assert "\\r" not in ran.output


async def test_two_merges_at_once_are_each_tested_on_what_they_become(tmp_path: Path) -> None:
    gate = Gate()
    workspace = await _workspace(tmp_path, gate)
    await _written(workspace, _write("one", "x", "1"))
    await _written(workspace, _write("two", "y", "2"))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        merges = [
            group.create_task(workspace.merge(Merge(source=source, into="main", commands=("t",))))
            for source in ("one", "two")
        ]
        for _ in range(3):
            (await gate.waiting.get()).set()
    assert gate.runs == 3
    assert all(isinstance(merge.result(), Merged) for merge in merges)
    assert {"x", "y"} <= set((await workspace.read(Read(branch="main"))).tree)


async def test_a_branch_that_is_lost_sight_of_while_git_is_asked_is_still_built_upon(
    workspace: GitWorkspace,
) -> None:
    for branch, path in (("one", "x"), ("main", "y")):
        await _written(workspace, _write(branch, path, "1"))
    workspace.git = slow = Slow(workspace.git.directory, WHEN)
    write = asyncio.create_task(workspace.write(_write("two", "z", "3", "main")))
    async with asyncio.timeout(20):
        await slow.asked.wait()
        # Another process moves the branch, so that what is known of it is forgotten.
        await slow.run("update-ref", "refs/heads/main", "refs/heads/one")
        with pytest.raises(Unavailable, match="moved by another process"):
            await workspace.write(_write("main", "w", "2"))
        slow.answered.set()
        assert isinstance(await write, Written)
    assert {"y", "z"} <= set((await workspace.read(Read(branch="two"))).tree)


async def test_the_artifact_is_a_patch_and_a_bundle_to_clone(
    workspace: GitWorkspace, tmp_path: Path
) -> None:
    await _written(workspace, _write("result", "a.txt", "new\n"))
    written = await _written(workspace, _write("result", "bin", "x\0y"))
    for _ in range(2):
        artifact = await export(workspace, "result", tmp_path / "out", "team/mission 1")
    assert artifact.commit == written.commit
    assert artifact.patch.name == "team-mission-1.patch"
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", artifact.bundle, clone], check=True)
    assert (clone / "a.txt").read_text() == "new\n"
    head = subprocess.check_output(["git", "-C", clone, "symbolic-ref", "HEAD"], text=True)
    assert head == "refs/heads/result\n"
    subprocess.run(["git", "-C", clone, "checkout", "-q", "HEAD~2"], check=True)
    subprocess.run(["git", "-C", clone, "apply", artifact.patch], check=True)
    assert (clone / "bin").read_bytes() == b"x\0y"


async def test_an_unknown_branch_cannot_be_exported(
    workspace: GitWorkspace, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="nothing can be exported"):
        await export(workspace, "gone", tmp_path, "m")


@pytest.mark.parametrize("path", ["plain.py", "a b/ü.txt", 'q"uote/back\\slash.txt', "-dash"])
async def test_a_write_makes_the_very_commit_that_gits_single_steps_make(
    workspace: GitWorkspace, path: str
) -> None:
    git, content, message = workspace.git, b"text\nwithout an end", "Words: ü\n\nand more \n"
    start = await git.commit_of("base")
    changes = ((path, "100755", content), ("gone.txt", "", None))
    grown = await git.grow("by-stream", start, changes, message)
    blob = await git.store(content)
    tree = await git.tree_with(start, ((path, "100755", blob), ("gone.txt", "100644", "")))
    assert grown == await git.commit(tree, (start,), message)
    assert await git.tips("by-stream", "nowhere", "base") == (grown, "", start)


async def test_a_branch_that_others_moved_is_not_grown_over(workspace: GitWorkspace) -> None:
    git = workspace.git
    start = await git.commit_of("base")
    first = await git.grow("b", start, (("one.txt", "100644", b"1"),), "one")
    with pytest.raises(GitFailed):
        await git.grow("b", start, (("two.txt", "100644", b"2"),), "two")
    assert await git.commit_of("b") == first
