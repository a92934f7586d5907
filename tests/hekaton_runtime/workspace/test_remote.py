"""Commands behind a socket: the same as here, and truthful when whoever runs them is gone."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.workspace.checks import Checks
from hekaton_runtime.workspace.git import Git
from hekaton_runtime.workspace.host import hosting
from hekaton_runtime.workspace.protocol import Execution, Limits, Lost
from hekaton_runtime.workspace.remote import RemoteSandbox
from hekaton_runtime.workspace.sandbox import LandlockSandbox
from hekaton_runtime.workspace.wire import HEAD, LONGEST


@pytest.fixture
def root() -> Iterator[Path]:
    """Where everybody may enter, and short: a socket lies in it."""
    with tempfile.TemporaryDirectory(prefix="hw-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
async def remote(root: Path) -> AsyncIterator[RemoteSandbox]:
    async with hosting(root / "socket", root, LandlockSandbox()):
        yield RemoteSandbox(root / "socket", patience=5)


@pytest.fixture
def tree(root: Path) -> Path:
    folder = root / "tree"
    folder.mkdir()
    return folder


def plain(done: Execution) -> tuple[int, str, tuple[str, ...]]:
    return done.exit_code, done.output, done.breaches


@pytest.mark.parametrize(
    "command",
    [
        "echo hello; exit 3",
        "cat /etc/shadow",
        "head -c 300000 /dev/zero | tr '\\0' a",
        "kill -9 $$",
    ],
    ids=["exit code", "refusal", "flood", "signal"],
)
async def test_a_command_does_there_what_it_does_here(
    remote: RemoteSandbox, tree: Path, command: str
) -> None:
    limits = Limits(seconds=20, output_kib=4)
    here = await LandlockSandbox().run(command, tree, limits)
    assert plain(await remote.run(command, tree, limits)) == plain(here)


async def test_what_it_writes_lies_in_the_shared_folder(remote: RemoteSandbox, tree: Path) -> None:
    assert (await remote.run("echo built > out", tree, Limits(seconds=20))).exit_code == 0
    assert (tree / "out").read_text() == "built\n"


async def test_its_time_is_limited_in_the_same_words(remote: RemoteSandbox, tree: Path) -> None:
    done = await remote.run("sleep 60", tree, Limits(seconds=1))
    assert done.breaches == ("timed out after 1 s",)


async def test_several_commands_run_at_once(remote: RemoteSandbox, root: Path) -> None:
    folders = [root / str(number) for number in range(4)]
    for folder in folders:
        folder.mkdir()
    runs = [remote.run(f"echo {one.name}", one, Limits(seconds=30)) for one in folders]
    assert [one.output for one in await asyncio.gather(*runs)] == ["0\n", "1\n", "2\n", "3\n"]


async def test_a_cancelled_command_has_ended_when_the_cancellation_returns(
    remote: RemoteSandbox, tree: Path
) -> None:
    run = asyncio.create_task(
        remote.run("while :; do date +%N > beat; sleep 0.05; done", tree, Limits(seconds=60))
    )
    async with asyncio.timeout(20):
        while not (tree / "beat").exists():
            await asyncio.sleep(0.05)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    last = (tree / "beat").read_text()
    await asyncio.sleep(0.3)
    assert (tree / "beat").read_text() == last


@pytest.mark.parametrize(
    "folder", ["/tmp", "..", "."], ids=["elsewhere", "above", "the root itself"]
)
async def test_a_folder_outside_the_root_is_refused(
    remote: RemoteSandbox, root: Path, folder: str
) -> None:
    with pytest.raises(Unavailable, match="does not lie below"):
        await remote.run("true", root / folder, Limits(seconds=5))


async def test_a_link_out_of_the_root_is_refused(remote: RemoteSandbox, root: Path) -> None:
    (root / "link").symlink_to("/tmp")
    with pytest.raises(Unavailable, match="does not lie below"):
        await remote.run("true", root / "link", Limits(seconds=5))


@pytest.mark.parametrize(
    "frame", [b"\x00\x00\x00\x03abc", HEAD.pack(LONGEST + 1), b"GET / HTTP/1.1\r\n\r\n", b"\x00"],
    ids=["no message", "too long", "another protocol", "cut off"],
)  # fmt: skip
async def test_garbage_is_turned_away_and_the_next_one_served(
    remote: RemoteSandbox, root: Path, tree: Path, frame: bytes
) -> None:
    reader, writer = await asyncio.open_unix_connection(root / "socket")
    writer.write(frame)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    assert (await remote.run("true", tree, Limits(seconds=20))).exit_code == 0


async def test_nobody_else_s_process_may_ask(root: Path, tree: Path) -> None:
    async with hosting(root / "socket", root, LandlockSandbox(), uid=os.geteuid() + 1):
        with pytest.raises(Lost):
            await RemoteSandbox(root / "socket").run("touch ran", tree, Limits(seconds=5))
    assert not (tree / "ran").exists()


async def test_the_socket_is_its_owner_s_alone(remote: RemoteSandbox, root: Path) -> None:
    assert (root / "socket").stat().st_mode & 0o777 == 0o600


async def test_a_workspace_that_never_comes_is_unavailable(root: Path, tree: Path) -> None:
    with pytest.raises(Unavailable, match="No workspace answers"):
        await RemoteSandbox(root / "absent", patience=0.3).run("true", tree, Limits(seconds=5))


async def test_a_workspace_that_comes_late_is_waited_for(root: Path, tree: Path) -> None:
    run = asyncio.create_task(
        RemoteSandbox(root / "socket", patience=20).run("true", tree, Limits(seconds=20))
    )
    await asyncio.sleep(0.3)
    async with hosting(root / "socket", root, LandlockSandbox()):
        assert (await run).exit_code == 0


async def start_host(root: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hekaton_runtime.cli.main", "workspace",
        "--socket", str(root / "socket"), "--root", str(root),
        stdout=asyncio.subprocess.PIPE, env={"PATH": os.environ["PATH"], "HOME": str(root)},
    )  # fmt: skip
    assert process.stdout is not None
    assert b"workspace: " in await process.stdout.readline()
    return process


async def test_a_workspace_that_dies_with_a_command_is_told_apart(root: Path, tree: Path) -> None:
    host = await start_host(root)
    run = asyncio.create_task(
        RemoteSandbox(root / "socket").run("touch begun; sleep 60", tree, Limits(seconds=60))
    )
    async with asyncio.timeout(30):
        while not (tree / "begun").exists():
            await asyncio.sleep(0.05)
    host.send_signal(signal.SIGKILL)
    with pytest.raises(Lost):
        await run
    await host.wait()


class Mortal:
    """A sandbox whose workspace dies with so many commands."""

    def __init__(self, deaths: int) -> None:
        self.runs = 0
        self._deaths = deaths

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        self.runs += 1
        assert sorted(path.name for path in folder.iterdir()) == ["file"], "a fresh checkout"
        (folder / "litter").touch()
        if self.runs <= self._deaths:
            raise Lost("it died")
        return Execution(0, "fine\n", 0.1)


@pytest.mark.parametrize(("deaths", "runs", "passed"), [(0, 1, True), (2, 3, True), (9, 3, False)])
async def test_lost_commands_are_run_again_on_a_fresh_tree_and_not_for_ever(
    root: Path, deaths: int, runs: int, passed: bool
) -> None:
    git = Git(root / "repo.git", 0)
    await git.create()
    blob = await git.store(b"text")
    tree = await git.tree_with((await git.run("mktree")).text, (("file", "100644", blob),))
    sandbox = Mortal(deaths)
    checks = Checks(git, root / "scratch", sandbox, Limits(), ())
    ran = await checks.run(tree, ("make",), 60.0, acceptance=False)
    assert (sandbox.runs, ran.passed) == (runs, passed)
    assert ("lost 3 times" in str(ran.findings)) is (not passed)


async def test_a_root_that_is_no_folder_is_refused(root: Path) -> None:
    with pytest.raises(BadInput, match="--root"):
        async with hosting(root / "socket", root / "absent", LandlockSandbox()):
            pass
