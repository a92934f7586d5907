"""Start and end of a sandboxed command: cancelling, a killed parent, refusals, folders it may use."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from hekaton_runtime.errors import Unavailable
from hekaton_runtime.workspace.protocol import Limits, Sandbox
from hekaton_runtime.workspace.sandbox import (
    LandlockSandbox,
    Unconfined,
    command_path,
    interpreter_paths,
)

QUICK = Limits(seconds=20)
Alive = Callable[[str], list[int]]


@pytest.fixture(
    params=[LandlockSandbox(), LandlockSandbox(namespaces=False), Unconfined()],
    ids=["namespaces", "plain", "unconfined"],
)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    found: Sandbox = request.param
    return found


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user may walk to, for runs without a view of their own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder).resolve()


def _mark() -> str:
    return f"6{uuid4().int % 10**12}"


async def _until(condition: Callable[[], object]) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the condition never held")


async def test_cancelling_kills_the_whole_tree_before_it_returns(
    sandbox: Sandbox, open_path: Path, alive: Alive
) -> None:
    mark = _mark()
    command = f"setsid sleep {mark} & trap '' TERM; sleep {mark}"
    task = asyncio.create_task(sandbox.run(command, open_path, QUICK))
    await _until(lambda: len(alive(mark)) >= 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert alive(mark) == []


async def test_the_folder_is_given_back_after_a_cancelled_run(
    sandbox: Sandbox, open_path: Path
) -> None:
    task = asyncio.create_task(sandbox.run("touch here; sleep 60", open_path, QUICK))
    await _until((open_path / "here").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (open_path / "here").stat().st_uid == os.getuid()
    assert open_path.stat().st_uid == os.getuid()


@pytest.mark.parametrize("kind", ["LandlockSandbox()", "Unconfined()"])
async def test_a_killed_parent_takes_its_commands_along(
    kind: str, tmp_path: Path, alive: Alive
) -> None:
    mark, folder = _mark(), tmp_path / "folder"
    folder.mkdir()
    code = (
        "import asyncio\nfrom pathlib import Path\n"
        "from hekaton_runtime.workspace.protocol import Limits\n"
        "from hekaton_runtime.workspace.sandbox import LandlockSandbox, Unconfined\n"
        f"asyncio.run({kind}.run('setsid sleep {mark} & sleep {mark}', Path({str(folder)!r}), Limits()))"
    )
    places = {"PATH": os.defpath, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", code], env=places) as parent:
        await _until(lambda: len([pid for pid in alive(f"sleep\0{mark}") if pid]) == 2)
        parent.send_signal(signal.SIGKILL)
    await _until(lambda: not alive(mark))
    await _until(lambda: not list(tmp_path.glob("hekaton-*")))
    assert not alive(mark)


async def test_many_commands_run_at_once(sandbox: Sandbox, open_path: Path) -> None:
    folders = [open_path / str(number) for number in range(6)]
    for folder in folders:
        folder.mkdir()
    done = await asyncio.gather(*(sandbox.run("pwd", each, QUICK) for each in folders))
    assert [each.output.strip() for each in done] == [str(each) for each in folders]


async def test_the_exit_code_of_a_signal_is_negative(sandbox: Sandbox, open_path: Path) -> None:
    assert (await sandbox.run("kill -KILL $$", open_path, QUICK)).exit_code == -9
    assert (await sandbox.run("exit 7", open_path, QUICK)).exit_code == 7


async def test_a_breach_is_in_words_also_without_confinement(
    sandbox: Sandbox, open_path: Path
) -> None:
    done = await sandbox.run("sleep 30", open_path, Limits(seconds=0.5))
    assert done.breaches == ("timed out after 0.5 s",)


@pytest.mark.parametrize(
    ("command", "seconds", "why"),
    [("a\0b", 1.0, "NUL"), ("true", 0.0, "no time"), ("true", float("nan"), "no time")],
)
async def test_what_cannot_start_is_an_execution_and_no_error(
    sandbox: Sandbox, tmp_path: Path, command: str, seconds: float, why: str
) -> None:
    done = await sandbox.run(command, tmp_path, Limits(seconds=seconds))
    assert done.exit_code == 126
    assert why in done.breaches[0]


async def test_a_missing_folder_is_an_execution_and_no_error(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    done = await sandbox.run("true", tmp_path / "gone", QUICK)
    assert "does not exist" in done.breaches[0]


@pytest.mark.skipif(os.getuid() != 0, reason="only root runs commands as another user")
async def test_a_folder_nobody_can_reach_is_refused_in_words(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / "inner"
    folder.mkdir()
    with pytest.raises(Unavailable, match="cannot reach .* --unsafe-no-sandbox"):
        await LandlockSandbox(namespaces=False).run("true", folder, QUICK)


async def test_a_private_folder_is_reached_through_a_view_of_its_own(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / "inner"
    folder.mkdir()
    done = await LandlockSandbox().run("pwd && touch x", folder, QUICK)
    assert done.output == f"{folder}\n"
    assert (folder / "x").exists()


async def test_the_file_system_seen_is_read_only_but_for_three_places(tmp_path: Path) -> None:
    command = (
        "for d in / /usr /etc /dev /proc; do touch $d/x 2>/dev/null && echo wrote $d; done; ls /"
    )
    done = await LandlockSandbox().run(command, tmp_path, QUICK)
    assert "wrote" not in done.output


async def test_nothing_is_left_in_the_temporary_folder(open_path: Path) -> None:
    command = 'echo "$TMPDIR"; mkdir -p "$TMPDIR/a/b"; chmod 000 "$TMPDIR/a"'
    done = await Unconfined().run(command, open_path, QUICK)
    assert done.output.startswith(tempfile.gettempdir())
    assert not Path(done.output.strip()).parent.exists()


def test_without_landlock_commands_are_refused_and_the_way_out_is_named(tmp_path: Path) -> None:
    code = (
        "import asyncio, platform\nfrom dataclasses import replace\nfrom pathlib import Path\n"
        "from hekaton_runtime.workspace import seccomp\n"
        "from hekaton_runtime.workspace.protocol import Limits\n"
        "from hekaton_runtime.workspace.sandbox import LandlockSandbox\n"
        "here = seccomp.MACHINES[platform.machine()]\n"
        "seccomp.install(seccomp.program(replace(here, network=(), refused=(444, 445, 446))))\n"
        f"asyncio.run(LandlockSandbox().run('touch ran', Path({str(tmp_path)!r}), Limits()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Unavailable: Commands cannot be confined on this machine" in done.stderr
    assert "--unsafe-no-sandbox" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_interpreter_is_found_first_and_may_be_read() -> None:
    assert command_path().split(":")[0] == os.path.join(sys.prefix, "bin")
    assert {sys.prefix, os.path.realpath(sys.base_prefix)} <= set(interpreter_paths())
