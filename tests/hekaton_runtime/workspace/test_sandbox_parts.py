"""The parts of the sandbox that can be held without one: filter, places, output, measures, probe."""

import errno
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.workspace import confine, seccomp, watch
from hekaton_runtime.workspace.output import Kept, clean, tail
from hekaton_runtime.workspace.probe import EXPLAINED, capabilities
from hekaton_runtime.workspace.sandbox import LandlockSandbox, Unconfined, erase
from hekaton_runtime.workspace.spec import Report, Spec
from hekaton_runtime.workspace.view import places


def _spec(folder: str = "/tmp/x", readable: tuple[str, ...] = ("/usr", "/opt")) -> Spec:
    return Spec("true", folder, "/tmp/p", readable, "/bin", 1.0, 1, 2, 3, 4, True, True)


def _answer(
    code: bytes, arch: int, number: int, first: int = 0, second: int = 0, third: int = 0
) -> int:
    """Run a filter as the kernel would."""
    memory = struct.pack("=iIQQQQ", number, arch, 0, first, second, third)
    steps = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    value, at = 0, 0
    while True:
        kind, yes, no, k = steps[at]
        at += 1
        if kind == seccomp.LOAD:
            (value,) = struct.unpack_from("=I", memory, k)
        elif kind == seccomp.AND:
            value &= k
        elif kind == seccomp.RETURN:
            return int(k)
        else:
            held = {
                seccomp.JUMP_EQUAL: value == k,
                seccomp.JUMP_GREATER_EQUAL: value >= k,
                seccomp.JUMP_SET: bool(value & k),
            }[kind]
            at += yes if held else no


MACHINES = pytest.mark.parametrize("name", list(seccomp.MACHINES))


@MACHINES
def test_the_filter_refuses_what_its_table_names_and_no_more(name: str) -> None:
    machine = seccomp.MACHINES[name]
    code = seccomp.program(machine)
    special = {machine.clone, machine.socketpair, seccomp.CLONE3}
    refused = {*machine.refused, *machine.network, *seccomp.COMMON}
    for number in set(range(480)) - special:
        allowed = _answer(code, machine.audit, number) == seccomp.ALLOW
        assert allowed is (number not in refused), number


@MACHINES
@pytest.mark.parametrize(
    ("family", "kind", "protocol", "allowed"),
    [
        (2, 1, 0, True),
        (10, 1, 6, True),
        (2, 0x80802, 17, True),
        (10, 2, 0, True),
        (1, 1, 0, False),
        (2, 3, 1, False),
        (2, 1, 132, False),
        (2, 1, 262, False),
        (2, 1, 17, False),
        (2, 2, 1, False),
        (16, 3, 0, False),
        (17, 3, 0, False),
        (40, 1, 0, False),
    ],
)
def test_a_loopback_of_ones_own_is_for_tcp_and_udp_alone(
    name: str, family: int, kind: int, protocol: int, allowed: bool
) -> None:
    machine = seccomp.MACHINES[name]
    code = seccomp.program(machine, loopback=True)
    answer = _answer(code, machine.audit, machine.network[0], family, kind, protocol)
    assert (answer == seccomp.ALLOW) is allowed
    for number in machine.network[1:]:
        assert _answer(code, machine.audit, number) == seccomp.ALLOW
    assert _answer(code, machine.audit, machine.refused[0]) != seccomp.ALLOW
    assert _answer(code, machine.audit, machine.socketpair, 1, 2) != seccomp.ALLOW


@MACHINES
def test_the_filter_kills_another_architecture(name: str) -> None:
    code = seccomp.program(seccomp.MACHINES[name])
    assert _answer(code, 0x4000_0003, 1) == seccomp.KILL


@MACHINES
def test_the_filter_lets_processes_be_made_but_no_namespaces(name: str) -> None:
    machine = seccomp.MACHINES[name]
    code = seccomp.program(machine)
    assert _answer(code, machine.audit, machine.clone, 0x0120_0011) == seccomp.ALLOW
    for flag in (0x1000_0000, 0x2000_0000, 0x0002_0000, 0x4000_0000):
        assert _answer(code, machine.audit, machine.clone, flag | 17) != seccomp.ALLOW
    assert _answer(code, machine.audit, seccomp.CLONE3) == seccomp.ERRNO | errno.ENOSYS


@MACHINES
@pytest.mark.parametrize(
    ("family", "kind", "allowed"),
    [
        (1, 1, True),
        (1, 5, True),
        (1, 0x80801, True),
        (1, 2, False),
        (1, 0x80002, False),
        (2, 1, False),
    ],
)
def test_the_filter_allows_connected_unix_pairs_alone(
    name: str, family: int, kind: int, allowed: bool
) -> None:
    machine = seccomp.MACHINES[name]
    answer = _answer(seccomp.program(machine), machine.audit, machine.socketpair, family, kind)
    assert (answer == seccomp.ALLOW) is allowed


def test_the_second_abi_of_x86_is_refused() -> None:
    machine = seccomp.MACHINES["x86_64"]
    assert _answer(seccomp.program(machine), machine.audit, 0x4000_0000 + 41) != seccomp.ALLOW


@pytest.mark.parametrize(
    ("uid_map", "uid"),
    [
        ("0 0 4294967295", 0x7800_0000 + 77),
        ("0 100000 65536", 60_077),
        ("0 1000 1", -1),
        ("0 1000 1\n1 100000 65535", 60_077),
        ("", -1),
    ],
)
def test_a_run_gets_a_user_of_its_own_that_exists_in_its_namespace(uid_map: str, uid: int) -> None:
    assert confine.free_uid(77, uid_map) == uid


def test_outer_places_are_mounted_before_those_inside_them() -> None:
    targets = [place.target for place in places(_spec(folder="/opt/w"))]
    assert targets.index("/opt") < targets.index("/opt/w")
    assert targets.index("/tmp") < len(targets)


def test_only_the_folder_and_temporary_places_are_writable() -> None:
    writable = {place.target for place in places(_spec()) if place.writable}
    assert writable == {"/tmp/x", "/tmp", "/dev/shm"}


def test_spec_and_report_survive_the_wire() -> None:
    assert Spec.parse(_spec().line()) == _spec()
    report = Report(-9, ("timed out",), "", False)
    assert Report.parse(report.line()) == report


@given(st.lists(st.binary(max_size=40)), st.integers(0, 60))
def test_kept_output_is_the_head_and_the_tail(pieces: list[bytes], limit: int) -> None:
    kept = Kept(limit)
    for piece in pieces:
        kept.add(piece)
    whole = b"".join(pieces)
    if len(whole) <= limit:
        assert kept.text() == clean(whole)
    else:
        head, last = whole[: limit // 2], whole[len(whole) - (limit - limit // 2) :]
        cut = len(whole) - limit
        assert kept.text() == f"{clean(head)}\n[... {cut} bytes cut ...]\n{clean(last)}"


@given(st.binary())
def test_clean_output_has_no_control_characters(raw: bytes) -> None:
    text = clean(raw)
    assert not [c for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]


def test_colours_and_titles_are_removed_whole() -> None:
    assert clean(b"\x1b[1;31mred\x1b[0m\r\n\x1b]0;title\x07end\xff") == "red\nend�"


def test_the_tail_says_what_was_cut() -> None:
    assert tail("abcdef", 6) == "abcdef"
    assert tail("abcdef", 2) == "[... 4 characters cut ...]\nef"


def test_disk_counts_hard_links_once_and_never_follows_links(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    once = watch.disk((str(tmp_path),)).size
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "usr").symlink_to("/usr")
    assert watch.disk((str(tmp_path),)) == watch.Disk(once, 3)


def test_this_process_is_among_its_parents_descendants() -> None:
    assert os.getpid() in {process.pid for process in watch.descendants(os.getppid())}
    assert watch.threads_of(os.getuid()) >= 1


async def test_a_folder_nested_deeper_than_any_path_is_erased(tmp_path: Path) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d" * 20, dir_fd=here)
        inner = os.open("d" * 20, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    assert watch.disk((str(folder),)).too_deep
    await erase(folder)
    assert not folder.exists()


async def test_the_probe_finds_all_enforced_in_the_sandbox() -> None:
    found = {each.name: each for each in await capabilities(LandlockSandbox())}
    assert set(found) == {"sandbox", *EXPLAINED}
    assert all(bool(each.remedy) is not each.enforced for each in found.values())
    needs_namespaces = {"see names outside", "change modes outside"}
    assert {name for name, each in found.items() if not each.enforced} <= needs_namespaces


async def test_the_probe_finds_the_holes_where_there_is_no_sandbox() -> None:
    found = {each.name: each for each in await capabilities(Unconfined())}
    open_ways = {"read outside", "TCP", "UDP", "Unix sockets", "signals", "parent's environment"}
    assert {name for name in open_ways if not found[name].enforced} == open_ways
    assert all(found[name].remedy for name in open_ways)
