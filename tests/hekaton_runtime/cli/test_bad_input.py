"""Wrong input: one clear error, exit code 2, nothing half-made left behind."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Hekaton = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def edited(missions: Path, tmp_path: Path) -> Callable[[str, str], Path]:
    """A mission of ours with one piece of its text replaced."""

    def edit(old: str, new: str) -> Path:
        text = (missions / "duration-library.yaml").read_text()
        assert old in text
        path = tmp_path / "mission.yaml"
        path.write_text(text.replace(old, new))
        return path

    return edit


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tokens: 400000", "tokens: -5", "mission.yaml:73: spec.budget.tokens: -5"),
        ("acceptance:", "acceptence:", "Did you mean 'acceptance'?"),
        (
            "formation: simulated",
            "formation: simulatd",
            "'simulatd' is neither a file nor one of: ",
        ),
        ("kind: Mission", "kind: Misson", "Misson"),
        ("  goal: |", "  goal: [", "mission.yaml"),
        ("wallClock: 15m", "wallClock: 15 parsecs", "spec.budget.wallClock"),
    ],
    ids=[
        "impossible budget",
        "unknown field",
        "missing formation",
        "unknown kind",
        "malformed",
        "duration",
    ],
)
def test_a_wrong_file_is_refused_with_field_and_remedy(
    hekaton: Hekaton, edited: Callable[[str, str], Path], home: Path, old: str, new: str, said: str
) -> None:
    before = set(home.glob("missions/*"))
    done = hekaton("run", edited(old, new), "--simulate")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert set(home.glob("missions/*")) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "/nowhere.yaml"), "/nowhere.yaml: No such file"),
        (("show", "nobody"), "mission 'nobody' is unknown"),
        (("resume", "nobody"), "mission 'nobody' is unknown"),
        (("kill", "nobody"), "mission 'nobody' is unknown"),
        (("replay", "nobody"), "mission 'nobody' is unknown"),
        (("broker", "--bus", "tcp://127.0.0.1:0", "--control", "tcp://127.0.0.1:0"), "key"),
        (
            ("agent", "--bus", "ipc:///tmp/x", "--formation", "simulated", "--role", "cook"),
            "'cook' is no role",
        ),
        (("simulate", "--model", "a=much"), "NAME=COMPETENCE"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_wrong_command_line_is_refused_in_words(
    hekaton: Hekaton, words: tuple[str, ...], said: str
) -> None:
    done = hekaton(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mode_that_does_not_exist_is_refused_with_those_that_do(
    hekaton: Hekaton, missions: Path, home: Path
) -> None:
    before = set(home.glob("missions/*"))
    done = hekaton("run", missions / "extend-tally.yaml", "--simulate", "--mode", "arguing")
    assert done.returncode == 2, done.stdout
    known = "swarm, single, vote, debate, flat, hierarchical, auto"
    assert f"--mode: 'arguing' is no mode; known: {known}." in done.stderr
    assert "Traceback" not in done.stderr
    assert set(home.glob("missions/*")) == before


def test_an_endpoint_that_does_not_answer_is_told_before_the_mission_begins(
    hekaton: Hekaton, missions: Path, home: Path
) -> None:
    before = set(home.glob("missions/*"))
    done = hekaton("run", missions / "extend-tally.yaml", "--base-url", "http://127.0.0.1:9/v1")
    assert done.returncode == 2
    assert "http://127.0.0.1:9/v1" in done.stderr
    assert "--simulate" in done.stderr
    assert set(home.glob("missions/*")) == before


def test_a_workspace_that_is_no_repository_is_refused(
    hekaton: Hekaton, missions: Path, tmp_path: Path
) -> None:
    text = (missions / "extend-tally.yaml").read_text()
    head, _, rest = text.partition("    files:\n      - path: tally.py")
    tail = rest[rest.index("  acceptance:") :]
    path = tmp_path / "mission.yaml"
    path.write_text(f"{head}    git: {{url: {tmp_path}}}\n{tail}")
    done = hekaton("run", path, "--simulate")
    assert done.returncode == 2, done.stdout
    assert "holds no git repository" in done.stderr


def test_validate_gives_every_fault_of_every_file_at_once(
    hekaton: Hekaton, edited: Callable[[str, str], Path]
) -> None:
    path = edited("tokens: 400000\n    usd: 2.50", "tokens: 0\n    usd: -1")
    done = hekaton("validate", path, "/nowhere.yaml", "--json")
    assert done.returncode == 2
    fields = [finding["field"] for finding in json.loads(done.stdout)["findings"]]
    assert fields == ["spec.budget.tokens", "spec.budget.usd", ""]


def test_validate_is_content_with_what_we_ship(hekaton: Hekaton, missions: Path) -> None:
    files = [path for path in missions.glob("*.yaml") if ".book." not in path.name]
    done = hekaton("validate", *files)
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) == len(files)


def test_doctor_says_what_works(hekaton: Hekaton) -> None:
    checks = [json.loads(line) for line in hekaton("doctor", "--json").stdout.splitlines()]
    parts = {check["part"]: check["works"] for check in checks}
    assert parts["database"]
    assert parts["bus"]
    assert [part for part in parts if part.startswith("sandbox: ")]


def test_a_database_variable_that_is_no_port_is_refused(hekaton: Hekaton) -> None:
    done = hekaton("missions", HEKATON_DB_HOST="127.0.0.1", HEKATON_DB_PORT="many")
    assert done.returncode == 2
    assert "HEKATON_DB_PORT: 'many' is no TCP port" in done.stderr


def test_a_home_that_cannot_be_written_is_told_by_name(hekaton: Hekaton, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = hekaton("missions", HEKATON_HOME=str(tmp_path / "file" / "home"))
    assert done.returncode == 2, done.stderr
    assert "HEKATON_HOME: " in done.stderr
    assert "Traceback" not in done.stderr
