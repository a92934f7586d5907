"""Wrong words on the command line, through the real command: one error, exit code 2, nothing left behind."""

import socket
from pathlib import Path
from typing import Any

import pytest

from hekaton_runtime.cli.documents import one_mission
from hekaton_runtime.conductor.records import Options, Record, create
from hekaton_runtime.store.postgres import Database

MISSION = """apiVersion: hekaton.dev/v1alpha1
kind: Mission
metadata: {{name: small}}
spec:
  formation: simulated
  mode: single
  goal: Write solution.py.
  workspace:
    {workspace}
  acceptance:
    commands: {commands}
  budget: {{tokens: 4000, usd: 1, wallClock: 1m}}
"""
NO_TEXT = b"\xff\xfe entries: []\n"
NO_UNICODE = "\udcff"
"""What Python makes of a byte on the command line that is no UTF-8."""


def written(
    place: Any, workspace: str = "files: [{path: a.txt, content: x}]", commands: str = '["true"]'
) -> Path:
    path: Path = place.home / "m.yaml"
    path.write_text(MISSION.format(workspace=workspace, commands=commands))
    return path


@pytest.mark.parametrize("words", [("run",), ("simulate",)], ids=lambda words: words[0])
async def test_an_answer_book_that_is_no_text_is_named(place: Any, words: tuple[str, ...]) -> None:
    book = place.home / "other.yaml"
    book.write_bytes(NO_TEXT)
    mission = (written(place), "--simulate") if words == ("run",) else ("--port", "0")
    said = place.one_error(place.hekaton(*words, *mission, "--book", book))
    assert f"{book}: is no text in UTF-8" in said
    await place.left_nothing()


async def test_faults_of_a_book_beside_its_mission_are_told_with_its_path(place: Any) -> None:
    book = place.home / "m.book.yaml"
    book.write_text("entries: 3\n")
    said = place.one_error(place.hekaton("run", written(place), "--simulate"))
    assert f"{book}:1: has no list 'entries'" in said
    await place.left_nothing()


def test_a_public_key_that_is_no_text_is_named(place: Any) -> None:
    folder = place.home / "keys"
    assert place.hekaton("keys", folder, "conductor").returncode == 0
    (folder / "other.pub").write_bytes(NO_TEXT)
    bus = ("--bus", "tcp://127.0.0.1:0", "--control", "tcp://127.0.0.1:0")
    said = place.one_error(place.hekaton("broker", *bus, "--keys", folder))
    assert "other.pub" in said
    assert "does not hold a key" in said


@pytest.mark.parametrize(
    "words",
    [("show", NO_UNICODE), ("kill", "any", "--reason", NO_UNICODE)],
    ids=lambda words: str(words[0]),
)
async def test_a_word_that_is_no_text_is_refused(
    place: Any, database: Database, words: tuple[str, ...]
) -> None:
    documents = one_mission([written(place)], "", "")
    await create(database, Record("any", *documents, Options(home=str(place.home)), 1))
    assert "UTF-8" in place.one_error(place.hekaton(*words))


async def test_a_fault_that_nobody_foresaw_has_an_exit_code_of_its_own(
    place: Any, database: Database
) -> None:
    await database.fetch(
        "insert into hekaton.mission (id, name, mode, document, formation)"
        " values ('any', 'any', 'single', '{}', '{}')"
    )
    done = place.hekaton("show", "any")
    assert done.returncode == 70, done.stdout + done.stderr
    assert "Traceback" in done.stderr
    assert "This is a fault of Hekaton " in done.stderr.splitlines()[-1]
    assert "report it" in done.stderr.splitlines()[-1]


async def test_every_acceptance_command_that_no_shell_can_read_is_refused_at_once(
    place: Any,
) -> None:
    mission = written(place, commands='["true", "((", "echo \'open"]')
    second, third = place.errors(place.hekaton("run", mission, "--simulate"))
    assert "spec.acceptance.commands[1]: '((' cannot start: " in second
    assert "spec.acceptance.commands[2]: " in third
    await place.left_nothing()


def test_reading_an_acceptance_command_runs_nothing_of_it(place: Any) -> None:
    mark = place.home / "mark"
    mission = written(place, commands=f'["touch {mark}; $(touch {mark})", "(("]')
    place.errors(place.hekaton("run", mission, "--simulate"))
    assert not mark.exists()


async def test_a_volume_that_is_not_here_is_told_without_options_that_run_lacks(place: Any) -> None:
    said = place.one_error(
        place.hekaton("run", written(place, "pvc: {claimName: x}"), "--simulate")
    )
    assert said.endswith("no volume is mounted here. Give files or git.")
    await place.left_nothing()


async def test_a_repository_that_cannot_be_reached_is_told_in_one_line_before_anything_begins(
    place: Any,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{free.getsockname()[1]}/x.git"
        done = place.hekaton("run", written(place, f"git: {{url: '{url}'}}"), "--simulate")
    said = place.one_error(done)
    assert url in said
    assert "Check spec.workspace.git.url, the key that it needs, and the network." in said
    assert "exit code" not in said
    await place.left_nothing()


def test_keys_are_made_all_or_none_and_each_once(place: Any) -> None:
    folder = place.home / "keys"
    done = place.hekaton("keys", folder, "broker", "conductor", "conductor")
    assert done.returncode == 0, done.stderr
    names = {"broker.key", "broker.pub", "conductor.key", "conductor.pub"}
    assert {path.name for path in folder.iterdir()} == names
    refused = place.errors(place.hekaton("keys", folder, "new", "conductor", "../x"))
    assert "conductor.key' exists" in refused[0]
    assert "'../x' must have" in refused[1]
    assert {path.name for path in folder.iterdir()} == names


def test_a_wall_clock_of_the_service_is_named_by_its_option(place: Any) -> None:
    said = place.one_error(place.hekaton("serve", "--simulate", "--wall-clock", "xx"))
    assert said.startswith("error: --wall-clock: 'xx'")


def test_a_configuration_without_a_name_is_one_error(place: Any) -> None:
    said = place.one_error(place.hekaton("plan", "simulated", "--config", "nonsense"))
    assert "'nonsense' does not begin with a model's name" in said


@pytest.mark.parametrize("keys", [False, True], ids=["nobody there", "no keys there"])
async def test_a_bus_that_cannot_be_used_leaves_no_mission(place: Any, keys: bool) -> None:
    bus = f"ipc://{place.home}/nobody"
    words = ["conductor", written(place), "--bus", bus, "--model", "x"]
    words += ["--keys", place.home / "nowhere"] if keys else []
    said = place.one_error(place.hekaton(*words))
    assert ("nowhere" if keys else f"No broker at {bus!r}") in said
    await place.left_nothing()


def test_a_context_that_does_not_exist_is_one_error(place: Any) -> None:
    none = str(place.home / "none")
    done = place.hekaton("submit", written(place), "--context", "nosuch", KUBECONFIG=none)
    assert "Set KUBECONFIG, or name a context" in place.one_error(done)
