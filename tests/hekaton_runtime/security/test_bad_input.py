"""Every wrong input of a user, through the real command: one error, exit code 2, nothing left behind."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

GOOD = """apiVersion: hekaton.dev/v1alpha1
kind: Mission
metadata:
  name: small
spec:
  formation: {formation}
  mode: single
  goal: Write solution.py.
  workspace:
    {workspace}
  acceptance:
    commands: ["{command}"]
  budget: {budget}
"""
FILES = "files: [{path: a.txt, content: x}]"
BUDGET = "{tokens: 4000, usd: 1, wallClock: 1m}"
FORMATION = """---
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {name: own}
spec:
  models:
    - {name: m, engine: external, model: x/y, endpoint: "http://127.0.0.1:9/v1", contextLength: 8192}
  roles:
"""


def text(
    formation: str = "simulated",
    workspace: str = FILES,
    command: str = "true",
    budget: str = BUDGET,
) -> str:
    return GOOD.format(formation=formation, workspace=workspace, command=command, budget=budget)


WRONG = {
    "malformed YAML": (text() + "  - [", "m.yaml:", "YAML"),
    "a tab": (text().replace("  mode", "\tmode"), "m.yaml:", ""),
    "an unknown field": (text().replace("  goal", "  gaol: x\n  goal"), "gaol", "goal"),
    "an impossible budget": (text(budget="{tokens: 0, usd: 1, wallClock: 1m}"), "spec.budget.tokens: 0", ""),
    "a budget in words": (text(budget="{tokens: many, usd: 1, wallClock: 1m}"), "'many'", "tokens"),
    "no goal": (text().replace("  goal: Write solution.py.\n", ""), "goal", ""),
    "a missing role": (
        text("own") + FORMATION + "    - {name: auditor, role: auditor, model: m}\n", "sapper", "role",
    ),
    "a missing model": (
        text("own") + FORMATION + "    - {name: sapper, role: sapper, model: nobody}\n", "'nobody'", "m",
    ),
    "a missing formation": (text("nowhere"), "'nowhere'", "simulated"),
    "a path out of the workspace": (text(workspace="files: [{path: ../a, content: x}]"), "../a", ""),
    "a path into git": (text(workspace="files: [{path: .git/config, content: x}]"), ".git/config", ""),
    "a folder that is no repository": (text(workspace="git: {url: /usr}"), "/usr", "no git repository"),
    "a folder that does not exist": (text(workspace="git: {url: /no/such}"), "/no/such", ""),
    "a command to run at fetching": (text(workspace="git: {url: 'ext::sh -c id'}"), "ext::sh", ""),
    "a NUL in the goal": (text().replace("Write solution.py.", r'"a\0b"'), r"spec.goal: 'a\x00b'", "Remove it"),
    "a NUL in a command": (text(command=r"a\0b"), r"spec.acceptance.commands[0]: 'a\x00b'", "Remove it"),
    "a NUL in a file": (
        text(workspace=r'files: [{path: a.txt, content: "\0"}]'), "spec.workspace.files[0].content", "Remove it",
    ),
    "a NUL in a note": (
        text().replace("name: small", 'name: small\n  annotations: {a: "\\0"}'), "metadata.annotations.a", "Remove it",
    ),
    "a NUL in a model's name": (
        text("own") + FORMATION.replace("x/y", r'"x\0y"') + "    - {name: s, role: sapper, model: m}\n",
        r"spec.models[0].model: 'x\x00y'", "Remove it",
    ),
    "half a character": (text().replace("Write solution.py.", r'"\ud83d"'), "is not valid Unicode", "UTF-8"),
    "an alias within what it names": (
        text().replace("Write solution.py.", "&a [*a]"), "spec.goal[0] is an alias", "Remove the alias",
    ),
    "an empty file": ("", "m.yaml", ""),
    "a list": ("- a\n- b\n", "m.yaml", ""),
    "two missions": (text() + "---\n" + text(), "2 missions", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_file_is_one_error_and_leaves_nothing(place: Any, name: str) -> None:
    written, value, remedy = WRONG[name]
    path = place.home / "m.yaml"
    path.write_text(written)
    done = place.hekaton("run", path, "--simulate")
    said = place.one_error(done)
    assert value in said
    assert remedy in said
    await place.left_nothing()


@pytest.fixture
def refusing() -> Iterator[str]:
    """An endpoint that knows no such key."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b'{"error": {"message": "Incorrect API key provided"}}')

        def log_message(self, *_: object) -> None:
            return None

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


async def test_a_wrong_key_is_told_before_the_mission_begins_and_never_shown(
    place: Any, refusing: str, key: str
) -> None:
    (place.home / "m.yaml").write_text(text())
    done = place.hekaton("run", place.home / "m.yaml", "--base-url", refusing)
    said = place.one_error(done)
    assert "401" in said or "key" in said.lower()
    assert refusing in said
    assert key not in done.stdout + done.stderr
    await place.left_nothing()


async def test_an_endpoint_that_is_away_is_told_before_the_mission_begins(place: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        (place.home / "m.yaml").write_text(text())
        done = place.hekaton("run", place.home / "m.yaml", "--base-url", url)
    said = place.one_error(done)
    assert url in said
    assert "Start the server" in said
    await place.left_nothing()


def test_a_port_that_is_taken_is_named_with_the_way_out(place: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = place.hekaton("simulate", "--port", str(port))
        said = place.one_error(done)
        assert str(port) in said
        assert "give a free port" in said


def test_an_address_of_a_broker_that_is_taken_is_named(place: Any) -> None:
    place.hekaton("keys", place.home / "keys", "conductor")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bus = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        done = place.hekaton(
            "broker", "--bus", bus, "--control", "tcp://127.0.0.1:0", "--keys", place.home / "keys"
        )
        said = place.one_error(done)
        assert bus in said
        assert "Give an address that is free" in said


def ordinary() -> list[str]:
    """Words before a command that leave root no power over folders that are closed to it."""
    if os.getuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


async def test_a_home_that_is_a_file_is_named(place: Any) -> None:
    barrier = place.home / "barrier"
    barrier.write_text("")
    (place.home / "m.yaml").write_text(text())
    done = place.hekaton(
        "run", place.home / "m.yaml", "--simulate", HEKATON_HOME=str(barrier / "home")
    )
    said = place.one_error(done)
    assert "HEKATON_HOME" in said
    assert str(barrier) in said
    await place.left_nothing()


def test_a_home_without_the_right_to_write_is_named(place: Any) -> None:
    closed = place.home / "closed"
    closed.mkdir(mode=0o555)
    (place.home / "m.yaml").write_text(text())
    words = [sys.executable, "-m", "hekaton_runtime.cli.main", "run", str(place.home / "m.yaml")]
    environ = {"PATH": os.environ["PATH"], "HEKATON_HOME": str(closed / "home")}
    done = subprocess.run(
        [*ordinary(), *words, "--simulate"], env=environ, capture_output=True, text=True, timeout=110, check=False
    )  # fmt: skip
    said = place.one_error(done)
    assert "HEKATON_HOME" in said
    assert str(closed) in said
    assert list(closed.iterdir()) == []


async def test_an_acceptance_that_cannot_start_fails_honestly_and_says_which_command(
    place: Any, patch: Callable[..., dict[str, object]]
) -> None:
    mission = {
        "mode": "single",
        "goal": "Write solution.py with a function answer that returns 42.",
        "workspace": {"files": []},
        "acceptance": {"commands": ["no-such-program --check"]},
    }
    told = await place.work(mission, patch(solution__py="x = 1\n"))
    why = "acceptance command 'no-such-program --check' cannot start: not found"
    assert told.code == 1, told.out
    assert why in told.out
    assert "no-such-program" in told.papers
    assert b"not found" in told.journal
    (row,) = await place.sql("select reason from hekaton.mission")
    assert row["reason"].endswith(why)


def test_a_book_and_a_database_that_do_not_exist_are_named(place: Any, tmp_path: Path) -> None:
    (place.home / "m.yaml").write_text(text())
    gone = tmp_path / "gone.yaml"
    done = place.hekaton("run", place.home / "m.yaml", "--simulate", "--book", gone)
    assert str(gone) in place.one_error(done)
    away = place.hekaton("missions", HEKATON_DB_HOST=str(tmp_path))
    assert "Start it, or check HEKATON_DB_*" in place.one_error(away, 3)


@pytest.mark.parametrize(("command", "option"), [("bench", "--dataset"), ("compare", "--tasks")])
async def test_a_nul_in_a_task_is_told_before_anything_begins(
    place: Any, command: str, option: str
) -> None:
    task = {
        "task_id": "A/1", "prompt": "def f(x):\n    # \0\n", "entry_point": "f",
        "test": "def check(f):\n    pass\n", "canonical_solution": "    return x\n",
    }  # fmt: skip
    (place.home / "t.jsonl").write_text(json.dumps(task))
    out = place.home / "out"
    words = (option, place.home / "t.jsonl", "--simulate", "--modes", "single,vote", "--out", out)
    done = place.hekaton(command, *words)
    said = place.one_error(done)
    assert "t.jsonl:1: prompt: " in said
    assert "holds a NUL character" in said
    assert not out.exists()
    await place.left_nothing()
