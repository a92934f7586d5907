"""`hekaton compare` as a user has it: processes, exit codes, files; killed and gone on with."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hekaton_runtime.store.embedded import embedded

COMMAND = [sys.executable, "-m", "hekaton_runtime.cli.main", "compare"]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hk-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with embedded(folder):  # held open, so that each command finds the server running
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environ(home: Path) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HEKATON_", "OPENAI_"))}
    return {**clean, "HEKATON_HOME": str(home)}


def compare(home: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *map(str, words)], env=environ(home), capture_output=True, text=True, timeout=110, check=False
    )  # fmt: skip


@pytest.mark.timeout(240)
def test_modes_are_compared_and_a_second_time_read_back(
    home: Path, tasks: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("--tasks", tasks, "--simulate", "--modes", "single,vote", "--caps", "9000,40000", "--out", out)  # fmt: skip
    first = compare(home, *words)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.index("no difference, however large") < first.stdout.index("1/12 ")
    assert "against single at 40,000 tokens: INCONCLUSIVE" in first.stdout
    assert "spent + reserved <= cap in every mission (12 read" in first.stdout
    for name in ("comparison.md", "comparison.json", "quality.csv", "quality.svg", "missions.csv"):
        assert "SIMULATED" in (out / name).read_text() or "True" in (out / name).read_text()
    with (out / "quality.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(one["cap"], one["arm"]) for one in lines] == [("9000", "single"), ("9000", "vote"), ("40000", "single"), ("40000", "vote")]  # fmt: skip
    results = (out / "comparison.json").read_bytes()
    again = compare(home, "--resume", out, "--json")
    said = [json.loads(line) for line in again.stdout.splitlines()]
    assert (again.returncode, said[0]["type"], said[-1]["type"]) == (0, "Planned", "Finished")
    assert (out / "comparison.json").read_bytes() == results


@pytest.mark.timeout(240)
def test_killed_at_once_it_goes_on_and_repeats_no_mission(
    home: Path, tasks: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = [
        "--tasks", str(tasks), "--simulate", "--latency", "0.1", "--modes", "single,flat", "--cap", "40001",
        "--parallel", "1", "--out", str(out),
    ]  # fmt: skip
    running = subprocess.Popen(
        [*COMMAND, *words], env=environ(home), stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None
        first = next(line for line in running.stdout if "2/6" in line)
    finally:
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=60)
    assert "PASS" in first
    again = compare(home, "--resume", out)
    assert (again.returncode, again.stderr) == (0, "")
    assert "2 ended earlier and are read back" in again.stdout
    assert "6/6 PASS" in again.stdout
    assert json.loads((out / "comparison.json").read_bytes())["complete"] is True


def test_two_formations_are_arms_of_their_own(home: Path, tasks: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    other = tmp_path / "other.yaml"
    shipped = Path(__file__).resolve().parents[3] / "manifests" / "formations" / "simulated.yaml"
    other.write_text(shipped.read_text().replace("  name: simulated\n", "  name: other\n", 1))
    ran = compare(
        home, "--tasks", tasks, "--simulate", "--modes", "single", "--formations", f"simulated,{other}",
        "--cap", "30000", "--tasks-at-most", "1", "--baseline", "other/single", "--out", out,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "simulated/single against other/single" in ran.stdout


def test_everything_that_is_wrong_is_said_at_once(home: Path, tmp_path: Path) -> None:
    ran = compare(
        home, "--tasks", tmp_path / "absent.jsonl", "--modes", "single,choir", "--formations", "none",
        "--baseline", "vote", "--competence", "0.5", "--out", tmp_path / "out",
    )  # fmt: skip
    assert ran.returncode == 2
    for said in ("absent.jsonl: No such file", "'choir'", "formation 'none'", "'vote' is none of the arms", "Add --simulate"):  # fmt: skip
        assert said in ran.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give --tasks FILE"),
        (("--resume", "absent-folder"), "Give the folder of a comparison"),
        (("--tasks", "x", "--resume", "y"), "The folder says all"),
        (("--tasks", "x", "--caps", "10,many"), "'many'"),
        (("--tasks", "x", "--cap", "5", "--caps", "10"), "both given"),
    ],
    ids=["nothing", "no folder", "both", "caps", "cap and caps"],
)
def test_what_cannot_be_meant_is_refused(home: Path, words: tuple[str, ...], said: str) -> None:
    ran = compare(home, *words)
    assert ran.returncode == 2
    assert said.lower() in ran.stderr.lower()


def test_a_folder_of_another_comparison_is_left_alone(
    home: Path, tasks: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "plan.json").write_text("{}")
    ran = compare(home, "--tasks", tasks, "--simulate", "--cap", "30000", "--out", out)
    assert ran.returncode == 2
    assert (out / "plan.json").read_text() == "{}"
