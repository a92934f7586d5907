"""The few Linux calls that the standard library lacks, by ctypes; each raises OSError with its name."""

import ctypes
import fcntl
import os
import platform
import socket
import struct

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_RELATIME = 1 << 21
MNT_DETACH = 2

SIOCSIFFLAGS = 0x8914
IFF_UP = 1

PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}


def _checked(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def prctl(option: int, value: int, pointer: object = None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    end = ctypes.c_ulong(0)
    last = end if pointer is None else pointer
    _checked(libc.prctl(option, ctypes.c_ulong(value), last, end, end), f"prctl({option})")


def unshare(flags: int) -> None:
    _checked(ctypes.CDLL(None, use_errno=True).unshare(flags), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.mount(
        None if source is None else os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        data.encode() or None,
    )
    _checked(result, f"mount {target!r}")


def pivot_here() -> None:
    """Make the current folder, a mount point, the root, and let go of the old one."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long(PIVOT_ROOT[platform.machine()])
    _checked(libc.syscall(number, b".", b"."), "pivot_root")
    _checked(libc.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def raise_loopback() -> None:
    """Bring up `lo` of the network namespace that this process is in."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        fcntl.ioctl(link, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))
