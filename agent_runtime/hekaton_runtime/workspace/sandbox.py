"""Where commands run: `LandlockSandbox`, which holds on every Linux with Landlock, and `Unconfined`.

Each command gets a launcher process of its own (see launcher.py); this module starts it, keeps what
it prints, and makes sure that nothing outlives a cancelled task.
"""

import asyncio
import math
import os
import sys
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from hekaton_runtime.errors import Unavailable
from hekaton_runtime.workspace.output import Kept
from hekaton_runtime.workspace.protocol import Execution, Limits
from hekaton_runtime.workspace.spec import Report, Spec

SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives"),
    *("/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/ca-certificates"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/localtime", "/etc/timezone"),
    *("/etc/mime.types", "/etc/services", "/etc/protocols", "/etc/os-release"),
)
NAMES = "127.0.0.1 localhost\n::1 localhost\n"
"""What `localhost` means; the machine's own list names more than a command should know."""
BOOT = "import sys; sys.path[:0] = sys.argv[1:]; from hekaton_runtime.workspace.launcher import main; main()"
MARGIN = 15.0  # seconds beyond a command's own time in which the launcher must have ended it
CHUNK = 65_536


def interpreter_paths() -> tuple[str, ...]:
    """The folders that this Python needs: its prefixes, and the links its executable goes through."""
    found = [sys.prefix, sys.base_prefix]
    program = sys.executable
    while os.path.islink(program):
        program = os.path.join(os.path.dirname(program), os.readlink(program))
        found.append(os.path.dirname(os.path.dirname(os.path.abspath(program))))
    found += [os.path.realpath(path) for path in found]
    return tuple(path for path in dict.fromkeys(found) if path != "/")


def command_path() -> str:
    """PATH of a command: this Python's programs first."""
    own = [os.path.join(sys.prefix, "bin"), os.path.join(sys.base_prefix, "bin")]
    system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return ":".join(dict.fromkeys(own + system))


def _import_roots() -> list[str]:
    """Where the launcher finds this package and landlockpy."""
    roots = []
    for name in ("hekaton_runtime", "landlockpy"):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise Unavailable(f"The package {name!r} is not installed: install hekaton again.")
        roots.append(str(Path(spec.origin).parent.parent))
    return roots


class _Launch:
    """One launcher process, from start to a certain end."""

    def __init__(self, spec: Spec, limits: Limits) -> None:
        self._spec = spec
        self._kept = Kept(limits.output_kib * 1024)

    async def run(self) -> tuple[Report, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", BOOT, *_import_roots()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
            close_fds=True,
        )
        work = asyncio.create_task(self._follow(process))
        try:
            async with asyncio.timeout(self._spec.seconds + MARGIN):
                said = await asyncio.shield(work)
        except TimeoutError:
            raise Unavailable("The sandbox's launcher did not end its command in time.") from None
        finally:
            await _end(process, work)
        return _read_report(said), self._kept.text()

    async def _follow(self, process: asyncio.subprocess.Process) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with suppress(ConnectionError):
            process.stdin.write(self._spec.line())
            await process.stdin.drain()
        report = asyncio.create_task(process.stderr.read())
        while piece := await process.stdout.read(CHUNK):
            self._kept.add(piece)
        said = await report
        await process.wait()
        return said


async def _end(process: asyncio.subprocess.Process, work: "asyncio.Task[bytes]") -> None:
    """Let go of the launcher, which then kills everything; wait for it, however often cancelled."""
    assert process.stdin is not None
    process.stdin.close()
    ending = asyncio.create_task(_wait_or_kill(process, work))
    while not ending.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(ending)


async def _wait_or_kill(process: asyncio.subprocess.Process, work: "asyncio.Task[bytes]") -> None:
    done, _ = await asyncio.wait({work}, timeout=MARGIN)
    if not done and process.returncode is None:
        process.kill()
    await asyncio.wait({work}, timeout=MARGIN)
    work.cancel()


def _read_report(said: bytes) -> Report:
    line = said.strip().rpartition(b"\n")[2]
    if not line.startswith(b"{"):
        text = said.decode(errors="replace")[-2000:]
        raise Unavailable(f"The sandbox's launcher failed: {text.strip() or 'it said nothing'}")
    return Report.parse(line)


async def _run(
    command: str, folder: Path, limits: Limits, *, confined: bool, namespaces: bool
) -> tuple[Report, str]:
    private = tempfile.mkdtemp(prefix="hekaton-")
    try:
        for name in ("tmp", "shm", "root"):
            os.mkdir(os.path.join(private, name), 0o700)
        Path(private, "hosts").write_text(NAMES)
        spec = Spec(
            command=command,
            folder=os.path.realpath(folder),
            private=os.path.realpath(private),
            readable=tuple(dict.fromkeys((*SYSTEM, *interpreter_paths()))),
            path=command_path(),
            seconds=limits.seconds,
            memory_mib=limits.memory_mib,
            processes=limits.processes,
            file_mib=limits.file_mib,
            disk_mib=limits.disk_mib,
            namespaces=namespaces,
            confined=confined,
        )
        return await _Launch(spec, limits).run()
    finally:
        await erase(Path(private))


async def erase(folder: Path) -> None:
    """Remove a folder that a command wrote in: however deep, and with folders nobody may enter."""
    steps = (("rm", "-rf"), ("chmod", "-R", "u+rwX"), ("rm", "-rf"))
    for step in steps:
        if not os.path.lexists(folder):
            return
        process = await asyncio.create_subprocess_exec(
            *(*step, "--", str(folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await process.wait()


def _execution(report: Report, output: str, started: float) -> Execution:
    return Execution(report.exit_code, output, time.monotonic() - started, report.breaches)


def _cannot_start(command: str, folder: Path, limits: Limits) -> str:
    if "\0" in command:
        return "the command holds a NUL character"
    if not folder.is_dir():
        return f"the folder {str(folder)!r} does not exist"
    if not (math.isfinite(limits.seconds) and limits.seconds > 0):
        return f"no time is left: {limits.seconds:g} s"
    return ""


class LandlockSandbox:
    """Landlock, a system-call filter, limits, an own user and own namespaces where they can be had."""

    def __init__(self, *, namespaces: bool = True) -> None:
        self._namespaces = namespaces

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        """See `Sandbox.run`. Falls back to no namespaces where the machine refuses them for good."""
        started = time.monotonic()
        if why := _cannot_start(command, folder, limits):
            return Execution(126, "", 0.0, (why,))
        report, output = await _run(
            command, folder, limits, confined=True, namespaces=self._namespaces
        )
        if report.unavailable and not report.namespaces:
            self._namespaces = False
            report, output = await _run(command, folder, limits, confined=True, namespaces=False)
        if report.unavailable:
            raise Unavailable(
                f"Commands cannot be confined on this machine ({report.unavailable.rstrip('.')}). "
                f"`hekaton doctor` says what is missing; --unsafe-no-sandbox runs them unconfined."
            )
        return _execution(report, output, started)


class Unconfined:
    """For --unsafe-no-sandbox: limits, a clean environment and a clean end, but no confinement."""

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        started = time.monotonic()
        if why := _cannot_start(command, folder, limits):
            return Execution(126, "", 0.0, (why,))
        report, output = await _run(command, folder, limits, confined=False, namespaces=False)
        if report.unavailable:
            raise Unavailable(f"The command could not be started: {report.unavailable}")
        return _execution(report, output, started)
