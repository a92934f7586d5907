"""The attacks of the probe, as a script that runs inside the sandbox with the standard library alone.

Arguments: a readable file outside, a TCP port, a UDP port, a Unix socket, the pid of a victim.
Prints one line an attack: its name, `=`, and `refused` or `allowed`. The signal comes last and is
judged outside, by whether the victim lives.
"""

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable


def read_outside(path: str) -> None:
    with open(path) as file:
        file.read()


def write_outside(path: str) -> None:
    with open(path, "a") as file:
        file.write("x")


def connect(port: str) -> None:
    with socket.socket() as link:
        link.connect(("127.0.0.1", int(port)))


def send(port: str) -> None:
    """Nobody's port is told by an error, but only once something was sent to it."""
    with socket.socket(type=socket.SOCK_DGRAM) as link:
        link.connect(("127.0.0.1", int(port)))
        for _ in range(3):
            link.send(b"x")
            time.sleep(0.02)


def connect_local(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)


def read_environment(pid: str) -> None:
    with open(f"/proc/{pid}/environ") as file:
        if "HEKATON_PROBE" not in file.read():
            raise OSError("another process of that number")


def trace(pid: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, int(pid), 0, 0) != 0:  # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), "ptrace")


def take_memory() -> None:
    bytearray(512 << 20)


def fork_many() -> None:
    children: list[int] = []
    try:
        for _ in range(40):
            child = os.fork()
            if child == 0:
                time.sleep(30)
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def write_much() -> None:
    with open("large", "wb") as file:
        for _ in range(8):
            file.write(bytes(1 << 20))


def attempt(name: str, attack: Callable[[], object]) -> None:
    try:
        attack()
    except (OSError, MemoryError):
        print(f"{name}=refused", flush=True)
    else:
        print(f"{name}=allowed", flush=True)


def main() -> None:
    secret, tcp, udp, local, victim = sys.argv[1:]
    attempt("see names outside", lambda: os.lstat(secret))
    attempt("read outside", lambda: read_outside(secret))
    attempt("write outside", lambda: write_outside(secret))
    attempt("change modes outside", lambda: os.chmod(secret, 0o644))
    attempt("TCP", lambda: connect(tcp))
    attempt("UDP", lambda: send(udp))
    attempt("Unix sockets", lambda: connect_local(local))
    attempt("ptrace", lambda: trace(victim))
    attempt("parent's environment", lambda: read_environment(victim))
    attempt("memory", take_memory)
    attempt("processes", fork_many)
    attempt("large files", write_much)
    attempt("signal", lambda: os.kill(int(victim), signal.SIGKILL))


if __name__ == "__main__":
    main()
