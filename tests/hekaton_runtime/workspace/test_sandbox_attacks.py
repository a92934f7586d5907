"""Every attack is really made, as root and as an ordinary user, with and without namespaces."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

LINK = "import ctypes, os, socket\n"

# name -> Python that prints ALLOWED when it got through
REFUSED = {
    "reading a file outside": "open('{secret}').read(); print('ALLOWED')",
    "listing a folder outside": "import os; os.listdir('{home}'); print('ALLOWED')",
    "writing a file outside": "open('{secret}', 'w').write('x'); print('ALLOWED')",
    "making a file outside": "open('{home}/new', 'w').write('x'); print('ALLOWED')",
    "making a file in the real tmp": "import os\n"
    "os.link('/etc/passwd', 'here'); open('here', 'a').write('x'); print('ALLOWED')",
    "reading shadow": "open('/etc/shadow').read(); print('ALLOWED')",
    "writing to the interpreter": "import sys, os\n"
    "open(os.path.join(sys.base_prefix, 'planted'), 'w').write('x'); print('ALLOWED')",
    "a symbolic link out": "import os\n"
    "os.symlink('{secret}', 'link'); open('link').read(); print('ALLOWED')",
    "writing through a symbolic link": "import os\n"
    "os.symlink('{home}', 'way'); open('way/secret', 'w').write('x'); print('ALLOWED')",
    "a hard link to a file outside": "import os\n"
    "os.link('{secret}', 'hard'); open('hard').read(); print('ALLOWED')",
    "moving a file out": "import os\n"
    "open('a', 'w').write('x'); os.rename('a', '{home}/a'); print('ALLOWED')",
    "walking up": "import os; open(os.path.relpath('{secret}')).read(); print('ALLOWED')",
    "TCP": LINK + "socket.create_connection(('127.0.0.1', {tcp}), 2); print('ALLOWED')",
    "TCP over IPv6": LINK + "socket.create_connection(('::1', {tcp6}), 2); print('ALLOWED')",
    "TCP to the world": LINK + "socket.create_connection(('192.0.2.1', 80), 2); print('ALLOWED')",
    "UDP": LINK + "import time\ns = socket.socket(type=socket.SOCK_DGRAM)\n"
    "s.connect(('127.0.0.1', {udp}))\n"
    "for _ in range(3): s.send(b'x'); time.sleep(0.02)\nprint('ALLOWED')",
    "UDP to the world": LINK + "s = socket.socket(type=socket.SOCK_DGRAM)\n"
    "s.sendto(b'x', ('192.0.2.1', 53)); print('ALLOWED')",
    "a transport that is neither TCP nor UDP": LINK
    + "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132); print('ALLOWED')",
    "a Unix socket of one's own": LINK + "socket.socket(socket.AF_UNIX); print('ALLOWED')",
    "a raw socket": LINK + "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); print('ALLOWED')",
    "a packet socket": LINK + "socket.socket(socket.AF_PACKET, socket.SOCK_RAW); print('ALLOWED')",
    "netlink": LINK + "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW); print('ALLOWED')",
    "vsock": LINK + "socket.socket(40, socket.SOCK_STREAM); print('ALLOWED')",
    "the kernel's crypto sockets": LINK
    + "socket.socket(38, socket.SOCK_SEQPACKET); print('ALLOWED')",
    "a Unix socket": LINK + "socket.socket(socket.AF_UNIX).connect('{local}'); print('ALLOWED')",
    "an abstract Unix socket": LINK
    + "socket.socket(socket.AF_UNIX).connect('\\0{abstract}'); print('ALLOWED')",
    "a datagram pair pointed elsewhere": LINK
    + "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
    "a.sendto(b'x', '{datagrams}'); print('ALLOWED')",
    "a stream pair pointed elsewhere": LINK
    + "a, b = socket.socketpair()\na.connect('{local}'); print('ALLOWED')",
    "the environment of the parent": "t = open('/proc/{driver}/environ').read()\n"
    "assert 'API_KEY' in t; print('ALLOWED')",
    "the environment of a process of the same user": "t = open('/proc/{victim}/environ').read()\n"
    "assert 'PASSWORD' in t; print('ALLOWED')",
    "the memory of another process": "open('/proc/{victim}/mem', 'rb'); print('ALLOWED')",
    "a new user namespace": LINK
    + "assert ctypes.CDLL(None).unshare(0x10000000) == 0; print('ALLOWED')",
    "a mount": LINK
    + "assert ctypes.CDLL(None).mount(b'tmpfs', b'.', b'tmpfs', 0, None) == 0; print('ALLOWED')",
    "ptrace": LINK + "assert ctypes.CDLL(None).ptrace(16, {victim}, 0, 0) == 0; print('ALLOWED')",
    "becoming root": "import os; os.setuid(0); assert {uid} != 0; print('ALLOWED')",
    "sudo and su": "import subprocess\n"
    "assert subprocess.run(['su', '-c', 'true'], stdin=-3).returncode == 0; print('ALLOWED')",
    "System V shared memory": LINK
    + "assert ctypes.CDLL(None).shmget(0, 4096, 0o1600) >= 0; print('ALLOWED')",
    "a raised limit": "import resource\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (2**40, 2**40)); print('ALLOWED')",
}


@pytest.mark.parametrize("attack", REFUSED.values(), ids=REFUSED.keys())
def test_an_attack_is_refused(box: Any, attack: str) -> None:
    done = box.python(attack.format(**box.places))
    assert "ALLOWED" not in done.output
    assert done.exit_code == 1, done.output
    assert done.reached == ()


@pytest.mark.parametrize("number", [310, 311, 321, 323, 425, 435, 298, 304, 250])
def test_a_refused_system_call_says_no_instead_of_running(box: Any, number: int) -> None:
    code = (
        "import ctypes, platform\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"refused = platform.machine() != 'x86_64' or (libc.syscall({number}, 0, 0, 0, 0, 0) == -1"
        " and ctypes.get_errno() in (1, 38))\n"
        "print('refused' if refused else 'ALLOWED')"
    )
    assert box.python(code).output == "refused\n"


def test_another_process_cannot_be_killed(box: Any) -> None:
    code = "import os\nfor pid in ({victim}, {driver}):\n  try: os.kill(pid, 9)\n  except OSError: print('no')"
    done = box.python(code.format(**box.places))
    assert done.reached == ()
    assert done.output == "no\nno\n"


def test_killing_everything_ends_only_the_command(box: Any) -> None:
    assert box.run("kill -9 -1; sleep 0.1; echo done").reached == ()
    assert box.run("echo still here").output == "still here\n"


def test_a_setuid_file_does_not_survive_the_command_of_root(box: Any) -> None:
    done = box.run("cp /bin/sh shell; chmod 4755 shell; ls -l shell")
    assert done.owners == (int(box.places["uid"]),)


def test_a_fork_bomb_is_bounded_and_gone(box: Any, alive: Callable[[str], list[int]]) -> None:
    mark = f"bomb-{uuid4().hex}"
    code = (
        "import os, sys, time\nmade = 0\n"
        "try:\n  while made < 500:\n    if os.fork() == 0: time.sleep(60); os._exit(0)\n    made += 1\n"
        f"except OSError: print('stopped')\nassert made < 200, made  # {mark}"
    )
    done = box.run(f'python -I -S -c "{code}"', processes=20)
    assert done.output.startswith("stopped")
    assert alive(mark) == []


def test_memory_beyond_the_limit_is_refused(box: Any) -> None:
    done = box.python("x = bytearray(400 << 20); print('ALLOWED')", memory_mib=256)
    assert "MemoryError" in done.output
    assert done.exit_code == 1


def test_many_processes_cannot_add_up_their_memory(box: Any) -> None:
    code = (
        "import os, time\n"
        "for _ in range(5):\n"
        "  if os.fork() == 0:\n    x = bytearray(b'x') * (40 << 20); time.sleep(20); os._exit(0)\n"
        "time.sleep(20); print('ALLOWED')"
    )
    done = box.python(code, memory_mib=64)
    assert done.breaches == ("used more than 128 MiB of memory in all its processes",)


def test_a_large_file_is_refused(box: Any) -> None:
    done = box.run("exec head -c 5000000 /dev/zero > large", file_mib=2)
    assert done.breaches == ("wrote a file larger than 2 MiB",)


def test_a_flooded_disk_is_noticed(box: Any) -> None:
    command = "for i in 1 2 3 4 5 6; do head -c 2000000 /dev/zero > f$i; done; sleep 20"
    done = box.run(command, disk_mib=8, file_mib=4)
    assert done.breaches == ("wrote more than 8 MiB",)
    assert done.seconds < 15


def test_unlinked_files_count_as_disk(box: Any) -> None:
    code = (
        "import os, time\nheld = []\n"
        "for i in range(6):\n"
        "  f = open('f', 'wb'); f.write(b'x' * 2000000); f.flush(); os.unlink('f'); held.append(f)\n"
        "time.sleep(20)"
    )
    done = box.python(code, disk_mib=8, file_mib=4)
    assert done.breaches == ("wrote more than 8 MiB",)


def test_folders_nested_without_end_are_noticed_and_erased(box: Any) -> None:
    code = "import os, time\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')\ntime.sleep(20)"
    done = box.python(code)
    assert done.breaches == ("nested folders deeper than 256",)


def test_flooded_output_is_cut_in_the_middle(box: Any) -> None:
    done = box.run(
        "echo first; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo last", output_kib=4
    )
    assert done.output.startswith("first\n")
    assert done.output.endswith("last\n")
    assert "bytes cut" in done.output
    assert len(done.output) < 5000


def test_a_command_that_hangs_is_ended(box: Any) -> None:
    done = box.run("trap '' TERM INT HUP; sleep 60", seconds=0.7)
    assert done.breaches == ("timed out after 0.7 s",)
    assert done.exit_code == -9


def test_a_daemon_does_not_outlive_its_command(box: Any, alive: Callable[[str], list[int]]) -> None:
    mark = f"6{uuid4().int % 10**12}"
    done = box.run(
        f"setsid sh -c 'setsid sleep {mark} & sleep {mark}' >/dev/null 2>&1 & sleep 0.3; echo up"
    )
    assert done.output == "up\n"
    assert alive(mark) == []


def test_nothing_of_the_parent_is_inherited(box: Any) -> None:
    done = box.python(
        "import os; print(sorted(os.environ)); print(sorted(os.listdir('/dev/fd'))[:9])\n"
    )
    assert "API_KEY" not in done.output
    names = box.run("env | cut -d= -f1 | grep -v -e PWD -e _ | sort | tr '\\n' ' '").output
    assert names == "HOME LANG LOGNAME PATH PYTHONDONTWRITEBYTECODE SHELL TMPDIR USER "
    free = box.python(
        "import os\nprint([n for n in range(3, 100) if os.path.exists(f'/proc/self/fd/{n}')])"
    )
    assert free.exit_code == 0
    opened = "import fcntl\nfor n in range(3, 200):\n  try: fcntl.fcntl(n, 1); print(n)\n  except OSError: pass"
    assert box.run(f'python -I -S -c "{opened}"').output == ""


def test_ordinary_work_goes_on(box: Any) -> None:
    command = (
        "set -e; echo 'def test_it(): assert 1' > test_it.py; python -m pytest -q -p no:cacheprovider;"
        ' mkdir d; mv test_it.py d/; echo x > "$TMPDIR/y"; echo z > /dev/null; umask; git --version'
    )
    done = box.run(command)
    assert done.exit_code == 0, done.output
    assert "1 passed" in done.output
    assert "0077" in done.output
    assert done.kept == ("d",)
    assert set(done.owners) == {int(box.places["uid"])}


def test_pairs_pools_and_event_loops_work(box: Any) -> None:
    code = (
        "import asyncio, subprocess, threading, tempfile\n"
        "async def main():\n"
        "  p = await asyncio.create_subprocess_exec('echo', 'hi')\n  await p.wait()\n"
        "asyncio.run(main())\nt = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\n"
        "tempfile.TemporaryFile().write(b'x')"
    )
    done = box.python(code)
    assert done.exit_code == 0, done.output
    assert done.output == "hi\nthread\n"


def test_a_name_with_a_newline_does_no_harm(box: Any) -> None:
    assert box.run("touch -- 'a\nb' '-rf'; ls | wc -l").output.strip() == "3"


def test_each_run_of_root_has_its_own_user(box: Any) -> None:
    uid = int(box.run("id -u").output)
    assert uid != 0
    assert (uid == int(box.places["uid"])) is (box.places["uid"] != "0")
