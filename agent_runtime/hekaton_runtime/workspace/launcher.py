"""The small program between Hekaton and one sandboxed command: starts it, watches it, ends all of it.

Started as a bare interpreter with a clean environment. Descriptor 0 brings the spec as one line and
stays open: its end means "kill everything". Descriptor 1 is the command's output, descriptor 2 takes
the report. Below it: an init that has given up everything, and below that the command's shell.
"""

import contextlib
import errno
import os
import select
import signal
import sys
import time
from dataclasses import dataclass, field

from hekaton_runtime.workspace import confine, linux, view, watch
from hekaton_runtime.workspace.spec import Report, Spec

TICK = 0.5  # seconds between two looks at disk and memory, at least
SHARE = 10  # a look may take one part in so many of the time
GRACE = 5.0  # seconds to kill what is left
OTHERS = linux.CLONE_NEWNS | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
PERMANENT = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EINVAL, errno.ENOSPC, errno.EUSERS)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the command runs as. `uid` is -1 where it stays who we are."""

    uid: int
    processes: int


class Unconfinable(Exception):
    """Confinement cannot be had; carries the report."""

    def __init__(self, why: str, namespaces: bool = True) -> None:
        super().__init__(why)
        self.report = Report(unavailable=why, namespaces=namespaces)


def _fresh_namespaces() -> None:
    """Processes started from now on live in their own PID namespace."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        linux.unshare(linux.CLONE_NEWPID)
        return
    linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWPID)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1")):
        _put(f"/proc/self/{name}", text)
    _put("/proc/self/gid_map", f"{gid} {gid} 1")


def _put(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _identity(spec: Spec) -> Identity:
    if os.getuid() != 0 or not spec.confined:
        own = 0 if spec.namespaces else watch.threads_of(os.getuid())
        return Identity(-1, own + spec.processes + 1)
    with open("/proc/self/uid_map") as file:
        uid = confine.free_uid(os.getpid(), file.read())
    if uid < 0:
        raise Unconfinable("This root has no second user to run commands as.")
    return Identity(uid, spec.processes + 1)


def _reachable(spec: Spec) -> None:
    """Without a view of its own the run's user must be able to walk to the folder."""
    if not os.access(spec.folder, os.R_OK | os.W_OK | os.X_OK):
        raise Unconfinable(
            f"The unprivileged user that commands run as cannot reach {spec.folder!r}: move it to a "
            f"place that everybody may enter, or run Hekaton as an ordinary user."
        )


def _set_up(spec: Spec, identity: Identity) -> None:
    """In the init: give up all but what the command may use."""
    if spec.namespaces:
        try:
            linux.unshare(OTHERS)
            linux.raise_loopback()
            view.enter(spec)
        except OSError as fault:
            raise Unconfinable(str(fault), fault.errno not in PERMANENT) from fault
    os.chdir("/")
    confine.limit(spec, identity.processes)
    if identity.uid >= 0:
        confine.become(identity.uid)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if spec.confined:
        _reachable(spec)
        confine.restrict(spec)


def _reap(command: int) -> int:
    """Wait for the command, burying orphans meanwhile; its exit code, negative for a signal."""
    while True:
        pid, status = os.wait()
        if pid == command:
            return os.waitstatus_to_exitcode(status)


def _start(spec: Spec) -> int:
    """Fork the command; its pid."""
    command = os.fork()
    if command == 0:
        try:
            confine.start(spec)
        finally:
            os._exit(126)
    return command


def _init(spec: Spec, identity: Identity, reports: int) -> None:
    """Become init of the command; never returns, whatever happens."""
    report = Report(unavailable="the init of the command failed")
    try:
        os.dup2(os.open("/dev/null", os.O_RDWR), 0)
        os.dup2(1, 2)
        _set_up(spec, identity)
        report = Report(_reap(_start(spec)))
    except Unconfinable as fault:
        report = fault.report
    except (OSError, ValueError) as fault:
        report = Report(unavailable=str(fault))
    finally:
        os.write(reports, report.line())
        os._exit(0)


@dataclass(slots=True)
class Watchdog:
    """Looks at what the command holds, not too often, and says what is too much."""

    spec: Spec
    before: int
    ends: float
    next_look: float = 0.0
    breaches: list[str] = field(default_factory=list)

    def look(self) -> bool:
        """Is everything still within limits?"""
        now = time.monotonic()
        if now >= self.ends:
            self.breaches.append(f"timed out after {self.spec.seconds:g} s")
        elif now >= self.next_look:
            self._measure()
            self.next_look = time.monotonic() + max(TICK, SHARE * (time.monotonic() - now))
        return not self.breaches

    def wait(self) -> float:
        """Milliseconds until the next look is due."""
        return max(1.0, (min(self.next_look, self.ends) - time.monotonic()) * 1000)

    def measure_disk(self, extra: int = 0) -> None:
        spec = self.spec
        disk = watch.disk((spec.folder, spec.private))
        if disk.size + extra - self.before > spec.disk_mib * confine.MIB:
            self.breaches.append(f"wrote more than {spec.disk_mib} MiB")
        if disk.too_deep:
            self.breaches.append(f"nested folders deeper than {watch.DEEPEST}")
        if disk.entries > watch.MOST_ENTRIES:
            self.breaches.append(f"made more than {watch.MOST_ENTRIES} files")

    def _measure(self) -> None:
        processes = watch.descendants(os.getpid())
        self.measure_disk(watch.unlinked(processes))
        most = 2 * self.spec.memory_mib  # many processes may not add up to many times the limit
        if most and sum(each.resident for each in processes) > most * confine.MIB:
            self.breaches.append(f"used more than {most} MiB of memory in all its processes")


def _kill_all() -> bool:
    """Kill everything below this process; True when nothing is left."""
    ends = time.monotonic() + GRACE
    while time.monotonic() < ends:
        for process in watch.descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return True
        time.sleep(0.005)
    return False


def _follow(watchdog: Watchdog, reports: int) -> Report:
    """Until the init reports, a limit is passed, or the parent lets go."""
    poll = select.poll()
    poll.register(reports, select.POLLIN)
    poll.register(0, select.POLLIN)
    while watchdog.look():
        ready = [descriptor for descriptor, _ in poll.poll(watchdog.wait())]
        if reports in ready:
            line = os.read(reports, 65_536)
            return Report.parse(line) if line else Report(-signal.SIGKILL)
        if 0 in ready:
            return Report(-signal.SIGKILL, ("cancelled",))
    return Report(-signal.SIGKILL)


def _judge(report: Report, watchdog: Watchdog) -> Report:
    """The report with all that hindered the command, in words."""
    if report.unavailable:
        return report
    breaches = [*report.breaches, *watchdog.breaches]
    if report.exit_code in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ):
        breaches.append(f"wrote a file larger than {watchdog.spec.file_mib} MiB")
    if report.exit_code in (-signal.SIGXCPU, 128 + signal.SIGXCPU):
        breaches.append("used more processor time than its wall clock allows")
    return Report(report.exit_code, tuple(breaches))


def supervise(spec: Spec) -> Report:
    """Run the command to its end and leave nothing of it behind but files."""
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    identity = _identity(spec)
    folders = (spec.folder, spec.private)
    owner = os.stat(spec.folder).st_uid
    if identity.uid >= 0:
        watch.give(folders, identity.uid)
    watchdog = Watchdog(spec, watch.disk(folders).size, time.monotonic() + spec.seconds)
    if spec.namespaces:
        try:
            _fresh_namespaces()
        except OSError as fault:
            raise Unconfinable(str(fault), fault.errno not in PERMANENT) from fault
    reading, writing = os.pipe()
    if os.fork() == 0:
        _init(spec, identity, writing)
    os.close(writing)
    report = _follow(watchdog, reading)
    clean = _kill_all()
    if not watchdog.breaches:
        watchdog.measure_disk()
    if not clean:
        watchdog.breaches.append("left processes behind that could not be killed")
    if identity.uid >= 0:
        watch.give(folders, owner, owned_by=identity.uid)
    return _judge(report, watchdog)


def main() -> None:
    """Read the spec, run it, write the report."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 65_536)
        if not piece:
            sys.exit(2)
        line += piece
    spec = Spec.parse(line)
    try:
        report = supervise(spec)
    except Unconfinable as fault:
        report = fault.report
    with contextlib.suppress(BrokenPipeError):
        os.write(2, report.line())
    # A killed parent cannot erase the private folder, and this process can fork no more (the
    # namespace its children would go to has ended), so it turns into the program that does.
    os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
    os.execvp("rm", ["rm", "-rf", "--", spec.private])
