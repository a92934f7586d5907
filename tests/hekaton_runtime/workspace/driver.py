"""Runs sandboxed commands as the user it was started as, one JSON line each way; see conftest.py.

Beside them it holds what the attacks are after: a secret file, listening sockets, and a victim
process, and it can tell whether any of them was reached.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hekaton_runtime.workspace.protocol import Limits
from hekaton_runtime.workspace.sandbox import LandlockSandbox, erase


class Outside:
    """Everything that no command may reach."""

    def __init__(self, home: Path) -> None:
        self.secret = home / "secret"
        self.secret.write_text("untouched")
        self.secret.chmod(0o666)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.tcp6 = socket.create_server(("::1", 0), family=socket.AF_INET6)
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.local = socket.socket(socket.AF_UNIX)
        self.local.bind(str(home / "socket"))
        os.chmod(home / "socket", 0o777)
        self.local.listen()
        self.datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.datagrams.bind(str(home / "datagrams"))
        os.chmod(home / "datagrams", 0o777)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0hekaton-test-" + str(os.getpid()))
        self.abstract.listen()
        self.victim = subprocess.Popen(["sleep", "600"], env={"PASSWORD": "hunter2"})
        self.home = home
        for server in (self.tcp, self.tcp6, self.udp, self.local, self.datagrams, self.abstract):
            server.setblocking(False)

    def places(self) -> dict[str, str]:
        return {
            "home": str(self.home),
            "secret": str(self.secret),
            "tcp": str(self.tcp.getsockname()[1]),
            "tcp6": str(self.tcp6.getsockname()[1]),
            "udp": str(self.udp.getsockname()[1]),
            "local": str(self.home / "socket"),
            "datagrams": str(self.home / "datagrams"),
            "abstract": "hekaton-test-" + str(os.getpid()),
            "victim": str(self.victim.pid),
            "driver": str(os.getpid()),
            "uid": str(os.getuid()),
        }

    def reached(self) -> list[str]:
        found = []
        if self.secret.read_text() != "untouched" or self.secret.stat().st_mode & 0o777 != 0o666:
            found.append("secret")
        if self.victim.poll() is not None:
            found.append("victim")
        for name, server in (
            ("tcp", self.tcp),
            ("tcp6", self.tcp6),
            ("local", self.local),
            ("abstract", self.abstract),
        ):
            try:
                server.accept()[0].close()
                found.append(name)
            except BlockingIOError:
                pass
        for name, server in (("udp", self.udp), ("datagrams", self.datagrams)):
            try:
                server.recv(10)
                found.append(name)
            except BlockingIOError:
                pass
        return found

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()


async def answer(request: dict[str, Any], outside: Outside, namespaces: bool) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp())
    try:
        sandbox = LandlockSandbox(namespaces=namespaces)
        limits = Limits(**request["limits"])
        done = await sandbox.run(request["command"], folder, limits)
        kept = sorted(path.name for path in folder.iterdir())
        owners = sorted({path.lstat().st_uid for path in (folder, *folder.glob("*"))})
        extra = {"kept": kept, "owners": owners, "reached": outside.reached()}
        return {**asdict(done), **extra}
    finally:
        await erase(folder)


async def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="hekaton-outside-"))
    home.chmod(0o755)
    outside = Outside(home)
    try:
        print(json.dumps(outside.places()), flush=True)
        for line in sys.stdin:
            reply = await answer(json.loads(line), outside, sys.argv[1] == "namespaces")
            print(json.dumps(reply), flush=True)
    finally:
        outside.close()
        await erase(home)


if __name__ == "__main__":
    asyncio.run(main())
