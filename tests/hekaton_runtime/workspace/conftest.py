"""Sandboxes as several users: the one that runs the tests and, when that is root, an ordinary one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

DRIVER = Path(__file__).with_name("driver.py")
NOBODY = "65534"
KEEP = """
set -e
blocker=$1; kept=$2; shift 2
mkdir -p /tmp/hekaton-kept-$$
mount --bind "$kept" /tmp/hekaton-kept-$$
mount -t tmpfs -o mode=755 tmpfs "$blocker"
mkdir -p "$kept"
mount --bind /tmp/hekaton-kept-$$ "$kept"
umount /tmp/hekaton-kept-$$
rmdir /tmp/hekaton-kept-$$
cd /
exec "$@"
"""


@dataclass(frozen=True)
class Outcome:
    """What a sandboxed command did, and what of the outside it reached."""

    exit_code: int
    output: str
    seconds: float
    breaches: tuple[str, ...]
    kept: tuple[str, ...]
    owners: tuple[int, ...]
    reached: tuple[str, ...]


@dataclass(frozen=True)
class Box:
    """Runs commands in a sandbox as one user; `places` names what lies outside."""

    process: "subprocess.Popen[str]"
    places: dict[str, str]
    namespaces: bool

    def run(self, command: str, **limits: float) -> Outcome:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        allowed: dict[str, Any] = {"seconds": 30.0, **limits}
        self.process.stdin.write(json.dumps({"command": command, "limits": allowed}) + "\n")
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline())
        return msgspec.convert(reply, Outcome)

    def python(self, code: str, **limits: float) -> Outcome:
        return self.run(f"python -I -S - <<'END'\n{code}\nEND\n", **limits)


def _blocker(path: str) -> str:
    """The first folder on the way that only its owner may enter; empty where there is none."""
    for folder in reversed(Path(path).parents):
        if not folder.stat().st_mode & 0o001:
            return str(folder)
    return ""


def _command(user: str, mode: str) -> list[str]:
    command = [sys.executable, str(DRIVER), mode]
    if os.getuid() != 0:
        return command
    if user == "nobody":
        drop = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
        command = [*drop, *command]
    kept = os.path.realpath(sys.base_prefix)
    if blocker := _blocker(kept):
        command = ["unshare", "-m", "sh", "-c", KEEP, "sh", blocker, kept, *command]
    return command


@pytest.fixture(
    scope="session",
    params=[
        ("self", "namespaces"),
        ("self", "plain"),
        ("nobody", "namespaces"),
        ("nobody", "plain"),
    ],
    ids=lambda param: "-".join(param),
)
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    user, mode = request.param
    if user == "nobody" and os.getuid() != 0:
        pytest.skip("only root can become another user")
    process = subprocess.Popen(
        _command(user, mode),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "API_KEY": "hunter2"},
    )
    with process:
        assert process.stdout is not None
        places = json.loads(process.stdout.readline())
        yield Box(process, places, mode == "namespaces")
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


@pytest.fixture
def alive() -> Callable[[str], list[int]]:
    """The processes whose command line holds a mark."""

    def find(mark: str) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    line = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if mark.encode() in line:
                    found.append(int(entry.name))
        return found

    return find
