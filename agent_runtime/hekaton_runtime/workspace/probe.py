"""What the sandbox really holds on this machine: small attacks, run in it, for `hekaton doctor`."""

import asyncio
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hekaton_runtime.errors import Unavailable
from hekaton_runtime.workspace.protocol import Limits, Sandbox
from hekaton_runtime.workspace.sandbox import LandlockSandbox, erase

LIMITS = Limits(seconds=20, memory_mib=256, processes=16, file_mib=4, disk_mib=64)
ATTACKS = Path(__file__).with_name("probe_attacks.py")
KERNEL = "use a kernel of 6.12 or later with Landlock (CONFIG_SECURITY_LANDLOCK, lsm=landlock,...)"
FILTER = "allow seccomp filters (prctl PR_SET_SECCOMP) and use x86-64 or aarch64"
USER = "run as root with CAP_SETUID and CAP_SYS_ADMIN, or as a user who may create user namespaces"
LIMIT = "run as an ordinary user or as a root who may change to another user"
EXPLAINED = {
    "see names outside": ("an own root", USER),
    "read outside": ("Landlock and an own root", KERNEL),
    "write outside": ("Landlock and an own root", KERNEL),
    "change modes outside": ("an own root, or an own user", USER),
    "TCP": ("an own network, or seccomp and Landlock", FILTER),
    "UDP": ("an own network, or seccomp", FILTER),
    "Unix sockets": ("seccomp", FILTER),
    "signals": ("Landlock, an own process namespace and user", KERNEL),
    "ptrace": ("seccomp and Landlock", FILTER),
    "parent's environment": ("Landlock and an own process namespace", KERNEL),
    "memory": ("RLIMIT_AS and a watchdog", LIMIT),
    "processes": ("RLIMIT_NPROC", LIMIT),
    "large files": ("RLIMIT_FSIZE", LIMIT),
}


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing commands must not do, whether this machine holds them, by what, and what helps."""

    name: str
    enforced: bool
    how: str
    remedy: str
    """Empty where nothing is to be done."""


@contextmanager
def _victim() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of this user with something to read in its environment."""
    with subprocess.Popen(["sleep", "60"], env={"HEKATON_PROBE": "seen"}) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _targets() -> Iterator[tuple[str, ...]]:
    """Real things outside for the attacks to reach: a file, two ports, a Unix socket."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.chmod(folder, 0o755)
        secret = Path(folder, "secret")
        secret.write_text("secret")
        secret.chmod(0o666)
        ports = []
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            server = stack.enter_context(socket.socket(socket.AF_INET, kind))
            server.bind(("127.0.0.1", 0))
            if kind == socket.SOCK_STREAM:
                server.listen()
            ports.append(str(server.getsockname()[1]))
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        local.bind(f"{folder}/socket")
        os.chmod(f"{folder}/socket", 0o777)
        local.listen()
        yield (str(secret), *ports, f"{folder}/socket")


async def _attack(sandbox: Sandbox) -> dict[str, str]:
    """The attacks' own words: name -> "refused" or "allowed"."""
    folder = Path(tempfile.mkdtemp(prefix="hekaton-probe-"))
    try:
        (folder / "attacks.py").write_text(ATTACKS.read_text())
        with _targets() as targets, _victim() as victim:
            command = " ".join(("exec python attacks.py", *targets, str(victim.pid)))
            done = await sandbox.run(command, folder, LIMITS)
            said = dict(line.split("=", 1) for line in done.output.splitlines() if "=" in line)
            if said:
                said["signals"] = "refused" if victim.poll() is None else "allowed"
    finally:
        await erase(folder)
    return said


def _judged(said: dict[str, str]) -> tuple[Capability, ...]:
    found = []
    for name, (how, remedy) in EXPLAINED.items():
        enforced = said.get(name) == "refused"
        silent = "could not be tried: `python` does not run in the sandbox"
        found.append(
            Capability(
                name=name,
                enforced=enforced,
                how=how if name in said else silent,
                remedy="" if enforced else remedy,
            )
        )
    return tuple(found)


async def capabilities(sandbox: Sandbox | None = None) -> tuple[Capability, ...]:
    """Attack from inside the sandbox and say what held. Never raises for what this machine lacks."""
    try:
        said = await _attack(sandbox or LandlockSandbox())
    except Unavailable as fault:
        return (Capability(name="sandbox", enforced=False, how=str(fault), remedy=KERNEL),)
    whole = Capability(name="sandbox", enforced=True, how="commands run confined", remedy="")
    return (whole, *_judged(said))


def main() -> None:
    """Print the table: `python -m hekaton_runtime.workspace.probe`."""
    for each in asyncio.run(capabilities()):
        mark = "yes" if each.enforced else "NO"
        print(f"{mark:4}{each.name:24}{each.how}{'; ' + each.remedy if each.remedy else ''}")


if __name__ == "__main__":
    main()
