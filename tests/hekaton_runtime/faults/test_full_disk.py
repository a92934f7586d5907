"""A disk that is full for the workspace, the database or the papers: one error, and all goes on with room.

The disk is a small tmpfs in a mount namespace of its own; the test reaches it through /proc. When root
runs the tests, the missions are run by root and by an ordinary user.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

MOUNT = """
set -e
size=$1; folder=$2; user=$3; shut=$4; kept=$5; socket=$6; door=$7
if [ -n "$shut" ]; then  # Python lies where its owner alone may go: show that folder with nothing but it
    mount --bind "$kept" "$folder"
    mount -t tmpfs -o mode=755 tmpfs "$shut"
    mkdir -p "$kept"
    mount --bind "$folder" "$kept"
    umount "$folder"
fi
if [ -n "$door" ]; then mount --bind "$socket" "$door"; fi  # out of the server's own folder
mount -t tmpfs -o mode=755,uid=$user,gid=$user,size="$size" tmpfs "$folder"
echo ready
exec sleep 600
"""
NOBODY = 65534
SPACE = 64 << 20  # bytes of the largest disk here


@dataclass(frozen=True)
class Disk:
    """A small disk, mounted at `folder` for those who enter it."""

    holder: int
    folder: Path
    user: int
    door: Path | None
    """The database's socket, where its own folder is shut to the user."""

    @property
    def enter(self) -> tuple[str, ...]:
        own = () if os.getuid() == 0 else ("-U", "--preserve-credentials")
        words = ("nsenter", "-t", str(self.holder), "-m", *own, "--wd=/", "--")
        if self.user == os.getuid():
            return words
        name = str(self.user)
        return (*words, "setpriv", "--reuid", name, "--regid", name, "--clear-groups")

    def folder_of_missions(self) -> Path:
        """Made on the disk, for the user."""
        made = self.seen / "h"
        made.mkdir(mode=0o755)
        if self.user != os.getuid():
            os.chown(made, self.user, self.user)
        return self.folder / "h"

    @property
    def seen(self) -> Path:
        """The folder as the test itself reaches it."""
        return Path(f"/proc/{self.holder}/root{self.folder}")

    def fill(self, but: int = 0) -> None:
        """Leave so many bytes free."""
        held = self.seen / "balloon"
        with held.open("wb", buffering=0) as file:
            try:
                for _ in range(SPACE >> 16):
                    file.write(bytes(1 << 16))
            except OSError:
                pass
            file.truncate(max(0, file.tell() - but))

    def make_room(self) -> None:
        (self.seen / "balloon").unlink()


Mount = Callable[[str], Disk]


WHO = ["as oneself", "as nobody"] if os.getuid() == 0 else ["as oneself"]


@pytest.fixture(params=WHO)
def user(request: pytest.FixtureRequest, home: Path) -> int:
    """Who runs the missions, and owns their home; nobody is made use of where root runs the tests."""
    if request.param == "as oneself":
        return os.getuid()
    home.chmod(0o755)
    for folder in (home, home / "tmp"):
        os.chown(folder, NOBODY, NOBODY)
    return NOBODY


@pytest.fixture
def mount(home: Path, user: int, dsn: str) -> Iterator[Mount]:
    holders: list[subprocess.Popen[str]] = []
    own = [] if os.getuid() == 0 else ["--map-current-user", "--keep-caps"]
    python, shut, door = os.path.realpath(sys.base_prefix), "", None
    socket = Path(parse_qs(urlsplit(dsn).query)["host"][0], ".s.PGSQL.5432")
    if user != os.getuid():
        shut, door = shut_folder(Path(python)), home / "door" / socket.name
        door.parent.mkdir()
        door.touch()

    def mounted(size: str) -> Disk:
        folder = home / "disk"
        folder.mkdir()
        words = [size, folder, user, shut, python, socket, door or ""]
        shell = ["sh", "-c", MOUNT, "sh", *map(str, words)]
        holder = subprocess.Popen(
            ["unshare", *own, "-m", *shell], stdout=subprocess.PIPE, text=True
        )
        holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        return Disk(holder.pid, folder, user, door)

    yield mounted
    for holder in holders:
        holder.kill()
        holder.communicate()


def shut_folder(path: Path) -> str:
    """The first folder on the way to it that only its owner may enter; empty where there is none."""
    ways = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001]
    return str(ways[0]) if ways else ""


def on(lab: Any, disk: Disk) -> None:
    """Its missions lie on this disk from now on, temporary files elsewhere."""
    lab.prefix = disk.enter
    home = disk.folder_of_missions()
    lab.more = {"HEKATON_HOME": str(home), "HEKATON_DB_PATIENCE": "2"}
    if disk.door and not lab.embedded:
        lab.more["HEKATON_DB_HOST"] = str(disk.door.parent)


def asked(agent: str) -> Callable[[Any], bool]:
    def seen(child: Any) -> bool:
        kinds = [one["type"] for one in child.events if one.get("agent", "").startswith(agent)]
        return kinds.count("Asking") > kinds.count("Replied")

    return seen


async def settled(lab: Any) -> set[str]:
    rows = await lab.sql("select id from hekaton.call where state = 'settled'")
    return {row["id"] for row in rows}


def one_error(ended: Any, place: Path) -> None:
    """A single sentence that names the folder and the way out."""
    said = [line for line in ended.errors.splitlines() if line.startswith("error: ")]
    assert len(said) <= 1, ended.errors
    text = "".join(said) or ended.last["reason"]
    assert str(place) in text
    assert "hekaton resume" in text
    assert "Traceback" not in ended.errors


@pytest.mark.parametrize("agent", ["reasoner", "sapper"])
async def test_a_workspace_without_room_stops_the_mission_and_it_goes_on_with_room(
    open_lab: Any, mount: Mount, tree_on: Any, agent: str, expected_tree: str, open_calls: str
) -> None:
    async with open_lab(seconds=0.3) as lab:
        disk = mount("8m")
        on(lab, disk)
        child = await lab.run()
        assert await child.until(asked(agent)), child.errors
        disk.fill()
        ended = await lab.ended(child)
        assert ended.code == 3, ended
        one_error(ended, disk.folder)
        assert (await lab.state())[0] == "stopped"
        assert await lab.sql(open_calls) == []
        paid, billed = await settled(lab), await lab.billed()
        again = await lab.call("resume", await lab.mission(), "--json")
        assert again.code == 3, again
        one_error(again, disk.folder)
        assert await lab.billed() == billed
        disk.make_room()
        resumed = await lab.call("resume", await lab.mission(), "--json")
        assert resumed.code == 0, resumed
        await lab.check()
        assert paid <= await settled(lab)
        assert tree_on(disk.seen / "h" / "missions" / await lab.mission()) == expected_tree


async def test_a_mission_that_finds_no_room_at_all_begins_nothing(lab: Any, mount: Mount) -> None:
    disk = mount("1m")
    on(lab, disk)
    disk.fill()
    ended = await lab.ended(await lab.run())
    assert ended.code == 3, ended
    assert str(disk.folder) in ended.errors
    assert "Make room" in ended.errors
    assert await lab.mission() == ""
    assert list((disk.seen / "h").glob("missions/*")) == []


LARGE = """
apiVersion: hekaton.dev/v1alpha1
kind: Mission
metadata: {{name: large}}
spec:
  formation: simulated
  mode: single
  goal: Remove the large files.
  workspace:
    files:
{files}
  acceptance: {{commands: ["test ! -e one.txt"]}}
  budget: {{tokens: 400000, usd: 2, wallClock: 5m}}
"""
BOOK = """
entries:
  - key: large
    match: Remove the large files.
    answers:
      patch: {summary: s, files: [{path: one.txt, delete: true}, {path: two.txt, delete: true}]}
"""


async def test_papers_that_find_no_room_are_written_later_and_nothing_is_paid_twice(
    lab: Any, mount: Mount, home: Path
) -> None:
    texts = {name: os.urandom(120_000).hex() for name in ("one", "two")}
    files = "\n".join(f"      - {{path: {n}.txt, content: {t!r}}}" for n, t in texts.items())
    (home / "large.yaml").write_text(LARGE.format(files=files))
    (home / "large.book.yaml").write_text(BOOK)
    disk = mount("4m")
    on(lab, disk)
    words = ("run", home / "large.yaml", "--simulate", "--json", "--latency", "0.5")
    child = await lab.start(*words)
    assert await child.until(asked("sapper")), child.errors
    disk.fill(but=300_000)  # room for the work, and not for a patch that shows what it removed
    ended = await lab.ended(child)
    assert ended.code == 3, ended
    one_error(ended, disk.folder)
    assert await lab.state() == ("stopped", "unavailable")
    mission = await lab.mission()
    papers = disk.seen / "h" / "missions" / mission
    assert not list(papers.glob("*.bundle"))
    assert not list(papers.glob("SITREP*"))
    paid = await settled(lab)
    disk.make_room()
    resumed = await lab.call("resume", mission, "--json")
    assert resumed.code == 0, resumed
    assert resumed.last["outcome"] == "passed"
    assert await settled(lab) == paid
    assert {path.suffix for path in papers.iterdir()} >= {".patch", ".bundle", ".md", ".json"}


async def test_a_database_without_room_stops_the_mission_and_it_goes_on_with_room(
    open_lab: Any, mount: Mount, tree_on: Any, expected_tree: str
) -> None:
    async with open_lab(seconds=0.3) as lab:
        disk = mount("48m")
        lab.embedded = True
        on(lab, disk)
        child = await lab.run()
        assert await child.until(asked("reasoner")), child.errors
        disk.fill()
        ended = await lab.ended(child)
        assert ended.code == 3, ended
        one_error(ended, disk.folder)
        billed = await lab.billed()
        disk.make_room()
        shown = await lab.call("missions", "--json")
        mission = shown.last["id"]
        resumed = await lab.call("resume", mission, "--json")
        assert resumed.code == 0, resumed
        assert resumed.last["outcome"] == "passed"
        papers = disk.seen / "h" / "missions" / mission
        assert tree_on(papers) == expected_tree
        spent = sum(one.prompt_tokens + one.completion_tokens for one in await lab.billed())
        assert (
            spent <= resumed.last["tokens"]
        )  # what nobody knows of stays charged at its worst case
        assert len(await lab.billed()) > len(billed) > 0


async def test_a_database_that_finds_no_room_to_begin_says_so_in_one_line(
    lab: Any, mount: Mount
) -> None:
    disk = mount("20m")
    lab.embedded = True
    on(lab, disk)
    ended = await lab.call("missions")
    assert ended.code == 3
    lines = ended.errors.splitlines()
    assert len(lines) == 1, ended.errors
    assert "No space left on device" in lines[0]
    assert str(disk.folder) in lines[0]
    assert "HEKATON_HOME" in lines[0]


@pytest.mark.parametrize("number", [signal.SIGKILL])
async def test_a_conductor_killed_on_a_full_disk_leaves_nothing_that_stands_in_the_way(
    open_lab: Any, mount: Mount, tree_on: Any, number: int, expected_tree: str
) -> None:
    async with open_lab(seconds=0.3) as lab:
        disk = mount("8m")
        on(lab, disk)
        child = await lab.run()
        assert await child.until(asked("sapper")), child.errors
        disk.fill(but=4096)
        await asyncio.sleep(0.35)
        child.send(number)
        await lab.ended(child)
        disk.make_room()
        resumed = await lab.call("resume", await lab.mission(), "--json")
        assert resumed.code == 0, resumed
        await lab.check()
        assert tree_on(disk.seen / "h" / "missions" / await lab.mission()) == expected_tree
