"""Give up everything but what one command may use: the identity, limits, Landlock, system calls.

The one door to landlockpy. Runs in the launcher's child after the namespaces, in a process without
threads; nothing here can be undone by what runs later.
"""

import os
import resource
import signal

from landlockpy import AccessFS, AccessNet, LandlockError, Ruleset, Scope

from hekaton_runtime.workspace import linux, seccomp
from hekaton_runtime.workspace.spec import Spec
from hekaton_runtime.workspace.view import DEVICES, HOSTS

READ = AccessFS.EXECUTE | AccessFS.READ_FILE | AccessFS.READ_DIR
READ_ONE = AccessFS.EXECUTE | AccessFS.READ_FILE
DEVICE = AccessFS.READ_FILE | AccessFS.WRITE_FILE | AccessFS.TRUNCATE
WRITE = (
    READ
    | AccessFS.WRITE_FILE
    | AccessFS.REMOVE_DIR
    | AccessFS.REMOVE_FILE
    | AccessFS.MAKE_DIR
    | AccessFS.MAKE_REG
    | AccessFS.MAKE_FIFO
    | AccessFS.MAKE_SYM
    | AccessFS.REFER
    | AccessFS.TRUNCATE
)
FIRST_UID = 0x7800_0000
"""Above the ranges that distributions and systemd hand out; the launcher's pid is added."""
LOW_UID, LOW_UIDS = 60_000, 5_000
MIB = 1 << 20


def free_uid(pid: int, uid_map: str) -> int:
    """A uid that no other run has: by pid, inside what this user namespace maps. -1 if none fits."""
    ranges = [tuple(map(int, line.split())) for line in uid_map.splitlines()]
    for uid in (FIRST_UID + pid, LOW_UID + pid % LOW_UIDS, 65_534):
        if any(first <= uid < first + count for first, _, count in ranges):
            return uid
    return -1


def become(uid: int) -> None:
    """Root turns into `uid` for good; afterwards no capability is left."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def limit(spec: Spec, processes: int) -> None:
    """Set the limits, hard, also for what comes after exec. `processes` counts the uid's others too."""
    cores = os.cpu_count() or 1
    wanted = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_FSIZE, spec.file_mib * MIB),
        (resource.RLIMIT_CPU, int(spec.seconds * cores) + 5),
        (resource.RLIMIT_NPROC, processes),
    ]
    if spec.memory_mib:
        wanted.append((resource.RLIMIT_AS, spec.memory_mib * MIB))
    for kind, value in wanted:
        _, hard = resource.getrlimit(kind)
        fits = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (fits, fits))


def restrict(spec: Spec) -> None:
    """Landlock, then the system-call filter. Raises OSError where either cannot be had."""
    writable = [spec.folder, "/tmp", "/dev/shm"]
    readable = [*spec.readable, "/proc", HOSTS]
    network: AccessNet | None = (
        AccessNet.NONE
    )  # nothing but a loopback of its own is there to be reached
    if not spec.namespaces:
        writable = [spec.folder, os.path.join(spec.private, "tmp")]
        readable = list(spec.readable)
        network = None  # all of it
    try:
        scoped = Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL
        with Ruleset(handled_net=network, scoped=scoped) as rules:
            for path in filter(os.path.exists, readable):
                rules.allow_path(path, READ if os.path.isdir(path) else READ_ONE)
            for path in filter(os.path.exists, DEVICES):
                rules.allow_path(path, DEVICE)
            for path in filter(os.path.exists, writable):
                rules.allow_path(path, WRITE)
            rules.restrict()
    except LandlockError as fault:
        raise OSError(fault.errno, f"landlock: {fault}") from fault
    seccomp.install(seccomp.program_here(loopback=spec.namespaces))


def environment(spec: Spec) -> dict[str, str]:
    """The whole environment of the command; nothing is inherited."""
    temporary = "/tmp" if spec.namespaces else os.path.join(spec.private, "tmp")
    return {
        "PATH": spec.path,
        "HOME": temporary,
        "TMPDIR": temporary,
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "SHELL": "/bin/sh",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def start(spec: Spec) -> None:
    """Turn this process into the command: own session, no input, both outputs on the one pipe."""
    os.setsid()
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    # Python ignores these two, and an ignored signal stays ignored across exec.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.umask(0o077)
    os.chdir(spec.folder)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(1, 2)
    os.closerange(3, 4096)
    os.execve("/bin/sh", ["sh", "-c", spec.command], environment(spec))
