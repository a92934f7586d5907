"""Debian packages that the native provider needs, installed where they are absent."""

import os
import shutil

from cluster.progress import Failure, step
from cluster.shell import run, works

NODE = ("containerd", "runc", "containernetworking-plugins", "iptables", "conntrack", "socat",
        "gcc", "libc6-dev", "iproute2", "mount", "util-linux")  # fmt: skip
IMAGE = ("buildah", "debootstrap")


def need(names: tuple[str, ...]) -> None:
    """Install the packages that are absent."""
    if shutil.which("dpkg-query") is None:
        return  # not Debian: a missing command is named when it is called
    absent = [name for name in names if not works(["dpkg-query", "-s", name])]
    if not absent:
        return
    words = " ".join(absent)
    if os.geteuid():
        raise Failure(f"Packages are missing: apt-get install --no-install-recommends {words}")
    with step(f"installing {words}"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-qq"], env=quiet)
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *absent], env=quiet)
