"""A root of its own for one command: only what it may use is there, everything else does not exist.

Landlock leaves stat, chmod and path-named sockets open; what is not mounted cannot be named at all.
Runs in the launcher's child, in fresh namespaces, before privileges are dropped.
"""

import os
from dataclasses import dataclass

from hekaton_runtime.workspace import linux
from hekaton_runtime.workspace.spec import Spec

HOSTS = "/etc/hosts"
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
LINKS = (
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
)
KEPT = (
    (os.ST_NOSUID, linux.MS_NOSUID),
    (os.ST_NODEV, linux.MS_NODEV),
    (os.ST_NOEXEC, linux.MS_NOEXEC),
    (os.ST_NOATIME, linux.MS_NOATIME),
    (os.ST_NODIRATIME, linux.MS_NODIRATIME),
    (os.ST_RELATIME, linux.MS_RELATIME),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One thing of the old root that is seen at `target` in the new one."""

    target: str
    source: str
    writable: bool = False
    device: bool = False


def places(spec: Spec) -> tuple[Place, ...]:
    """All bind mounts, outer folders before those inside them."""
    wanted = [Place(path, path) for path in spec.readable]
    wanted += [Place(path, path, device=True) for path in DEVICES]
    wanted.append(Place("/tmp", os.path.join(spec.private, "tmp"), writable=True))
    wanted.append(Place("/dev/shm", os.path.join(spec.private, "shm"), writable=True))
    wanted.append(Place(spec.folder, spec.folder, writable=True))
    wanted.append(Place(HOSTS, os.path.join(spec.private, "hosts")))
    return tuple(sorted(wanted, key=lambda place: (place.target, place.writable)))


def _make_target(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o644))


def _bind(place: Place, root: str) -> None:
    target = root + place.target
    if os.path.islink(place.source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            os.symlink(os.readlink(place.source), target)
        return
    _make_target(place.source, target)
    linux.mount(place.source, target, None, linux.MS_BIND | linux.MS_REC)
    # A remount in a user namespace must repeat the flags that the original mount is locked to.
    had = os.statvfs(target).f_flag
    flags = linux.MS_NOSUID
    for seen, flag in KEPT:
        flags |= flag if had & seen else 0
    flags |= 0 if place.device else linux.MS_NODEV
    flags |= 0 if place.writable or place.device else linux.MS_RDONLY
    linux.mount(None, target, None, linux.MS_REMOUNT | linux.MS_BIND | flags)


def _mount_proc(root: str) -> None:
    os.makedirs(root + "/proc", exist_ok=True)
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    try:
        linux.mount("proc", root + "/proc", "proc", flags)
    except PermissionError:
        return  # inside containers with a masked /proc the kernel refuses; the folder stays empty


def enter(spec: Spec) -> None:
    """Build the new root and make it this process's only one."""
    root = os.path.join(spec.private, "root")
    os.umask(0o022)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", root, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755,size=1m")
    for place in places(spec):
        if os.path.lexists(place.source):
            _bind(place, root)
    for name, target in LINKS:
        os.symlink(target, root + name)
    _mount_proc(root)
    os.chdir(root)
    linux.pivot_here()
    flags = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
    linux.mount(None, "/", None, linux.MS_REMOUNT | linux.MS_BIND | flags)
