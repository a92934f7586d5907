"""The system-call filter of a command: a classic BPF program, built as a value and then installed.

Landlock ABI 7 knows TCP but neither UDP, raw, netlink nor path-named Unix sockets, and no ptrace of
siblings; this closes them. Unix sockets exist only as connected stream pairs, since a datagram socket
can be pointed at another address later. TCP and UDP exist only where the command has a network of its
own, with nothing in it but a loopback. The numbers are those of the kernel's syscall tables.
"""

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass

from hekaton_runtime.workspace import linux

LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, JUMP_SET, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW = 0x7FFF_0000
KILL = 0x8000_0000
ERRNO = 0x0005_0000
NUMBER, ARCH, FIRST, SECOND, THIRD = 0, 4, 16, 24, 32  # offsets in struct seccomp_data, low words
KIND = 0xF  # of a socket's type, without SOCK_CLOEXEC and SOCK_NONBLOCK
NEW_NAMESPACE = 0x7E02_0000  # every CLONE_NEW* flag that clone(2) takes
X32 = 0x4000_0000  # the second ABI of x86-64, with other numbers for the same calls

COMMON = (
    *range(425, 434),  # io_uring_*, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick
    438,  # pidfd_getfd
    440,  # process_madvise
    442,  # mount_setattr
    443,  # quotactl_fd
    447,  # memfd_secret
)
CLONE3 = 435


@dataclass(frozen=True, slots=True)
class Machine:
    """The syscall table of one architecture."""

    audit: int
    clone: int
    socketpair: int
    network: tuple[int, ...]
    """socket, connect, bind, listen: refused with EACCES where there is no loopback of one's own."""
    refused: tuple[int, ...]
    """Refused with EPERM."""


MACHINES = {
    "x86_64": Machine(
        audit=0xC000_003E,
        clone=56,
        socketpair=53,
        network=(41, 42, 49, 50),
        refused=(
            *(29, 64, 68, 240),  # shmget, semget, msgget, mq_open: outlive the command
            *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
            *(248, 249, 250),  # add_key, request_key, keyctl
            *(155, 161, 165, 166, 272, 308),  # pivot_root, chroot, mount, umount2, unshare, setns
            *(303, 304),  # name_to_handle_at, open_by_handle_at
            *(321, 298, 323, 300),  # bpf, perf_event_open, userfaultfd, fanotify_init
            *(175, 176, 313, 246, 320),  # modules, kexec
            *(103, 134, 154, 159, 163, 164, 167, 168, 169, 170, 171, 172, 173, 179, 212, 227, 305),
        ),
    ),
    "aarch64": Machine(
        audit=0xC000_00B7,
        clone=220,
        socketpair=199,
        network=(198, 203, 200, 201),
        refused=(
            *(194, 190, 186, 180),
            *(117, 270, 271, 272),
            *(217, 218, 219),
            *(41, 51, 40, 39, 97, 268),
            *(264, 265),
            *(280, 241, 282, 262),
            *(105, 106, 273, 104, 294),
            *(116, 171, 89, 170, 224, 225, 142, 161, 162, 60, 18, 112, 266),
        ),
    ),
}


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _refuse(number: int, error: int) -> bytes:
    return _step(JUMP_EQUAL, number, 0, 1) + _step(RETURN, ERRNO | error)


def _network(machine: Machine, loopback: bool) -> bytes:
    """No sockets at all; with a loopback of one's own TCP and UDP, over IPv4 and IPv6, and no more."""
    if not loopback:
        return b"".join(_refuse(number, errno.EACCES) for number in machine.network)
    steps = (
        _step(JUMP_EQUAL, machine.network[0], 0, 15),
        _step(LOAD, FIRST),
        _step(JUMP_EQUAL, 2, 1, 0),  # AF_INET
        _step(JUMP_EQUAL, 10, 0, 11),  # AF_INET6
        _step(LOAD, SECOND),
        _step(AND, KIND),
        _step(JUMP_EQUAL, 1, 1, 0),  # SOCK_STREAM
        _step(JUMP_EQUAL, 2, 3, 7),  # SOCK_DGRAM
        _step(LOAD, THIRD),
        _step(JUMP_EQUAL, 0, 4, 0),  # no protocol that the kernel would load a module for
        _step(JUMP_EQUAL, 6, 3, 4),  # IPPROTO_TCP
        _step(LOAD, THIRD),
        _step(JUMP_EQUAL, 0, 1, 0),
        _step(JUMP_EQUAL, 17, 0, 1),  # IPPROTO_UDP
        _step(RETURN, ALLOW),
        _step(RETURN, ERRNO | errno.EACCES),
    )
    return b"".join(steps)


def program(machine: Machine, *, loopback: bool = False) -> bytes:
    """The filter as bytes of struct sock_filter, eight each. `loopback`: see `_network`."""
    clone = (
        _step(JUMP_EQUAL, machine.clone, 0, 4)
        + _step(LOAD, FIRST)
        + _step(JUMP_SET, NEW_NAMESPACE, 0, 1)
        + _step(RETURN, ERRNO | errno.EPERM)
        + _step(RETURN, ALLOW)
    )
    pair = (
        _step(JUMP_EQUAL, machine.socketpair, 0, 8)
        + _step(LOAD, FIRST)
        + _step(JUMP_EQUAL, 1, 0, 5)  # AF_UNIX
        + _step(LOAD, SECOND)
        + _step(AND, KIND)
        + _step(JUMP_EQUAL, 1, 1, 0)  # SOCK_STREAM
        + _step(JUMP_EQUAL, 5, 0, 1)  # SOCK_SEQPACKET
        + _step(RETURN, ALLOW)
        + _step(RETURN, ERRNO | errno.EACCES)
    )
    return b"".join(
        (
            _step(LOAD, ARCH),
            _step(JUMP_EQUAL, machine.audit, 1, 0),
            _step(RETURN, KILL),
            _step(LOAD, NUMBER),
            _step(JUMP_GREATER_EQUAL, X32, 0, 1),
            _step(RETURN, ERRNO | errno.ENOSYS),
            _network(machine, loopback),
            *(_refuse(number, errno.EPERM) for number in (*machine.refused, *COMMON)),
            _refuse(CLONE3, errno.ENOSYS),  # its flags lie in memory; libc falls back to clone
            clone,
            pair,
            _step(RETURN, ALLOW),
        )
    )


def program_here(*, loopback: bool = False) -> bytes:
    """The filter for this machine. Raises OSError where its table is not known."""
    name = platform.machine()
    if name not in MACHINES:
        raise OSError(
            errno.ENOSYS, f"no system-call filter for {name!r}; known: {', '.join(MACHINES)}"
        )
    return program(MACHINES[name], loopback=loopback)


def install(code: bytes) -> None:
    """Filter this process and all its children, for good. Raises OSError where it cannot be had."""
    held = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(linux.PR_SET_SECCOMP, 2, ctypes.create_string_buffer(header, len(header)))
