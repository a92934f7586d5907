"""`hekaton bench` as a user has it: processes, exit codes, files."""

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

COMMAND = [sys.executable, "-m", "hekaton_runtime.cli.main", "bench"]


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


def bench(home: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *map(str, words)], env=environ(home), capture_output=True, text=True, timeout=100, check=False
    )  # fmt: skip


def test_a_dataset_is_measured_and_a_second_time_read_back(
    home: Path, dataset: Path, tmp_path: Path
) -> None:
    words = ("--dataset", dataset, "--simulate", "--modes", "single", "--out", tmp_path / "out")
    first = bench(home, *words)
    assert (first.returncode, first.stderr) == (0, "")
    assert "SIMULATED" in first.stdout
    assert "3/3 PASS" in first.stdout
    assert "spent + reserved <= cap in every mission (3 read" in first.stdout
    results = (tmp_path / "out" / "results.json").read_bytes()
    again = bench(home, *words)
    assert again.returncode == 0
    assert "3 ended earlier and are read back" in again.stdout
    assert (tmp_path / "out" / "results.json").read_bytes() == results
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        assert [line["outcome"] for line in csv.DictReader(file)] == ["PASS"] * 3


def test_our_own_missions_are_found_and_pass(home: Path, tmp_path: Path) -> None:
    ran = bench(home, "--level", "1", "--simulate", "--json", "--out", tmp_path / "out")
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0
    assert [(line["type"], line.get("outcome")) for line in lines] == [
        ("Ended", "PASS"),
        ("Finished", None),
    ]
    assert lines[-1]["held"] is True


def test_ctrl_c_ends_with_exit_code_3_and_the_same_command_goes_on(
    home: Path, dataset: Path, tmp_path: Path
) -> None:
    words = [
        "--dataset", str(dataset), "--simulate", "--latency", "0.1", "--limit", "2", "--parallel", "1", "--modes", "swarm",
        "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    running = subprocess.Popen(
        [*COMMAND, *words], env=environ(home), stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None
        first = next(line for line in running.stdout if "1/2" in line)
        running.send_signal(signal.SIGINT)
        rest = running.communicate(timeout=60)[0]
    finally:
        running.kill()
        running.wait()
    assert "PASS" in first
    assert running.returncode == 3
    assert "The same command goes on" in rest
    assert json.loads((tmp_path / "out" / "results.json").read_bytes())["complete"] is False
    again = bench(home, *words)
    assert again.returncode == 0
    assert "1 ended earlier" in again.stdout
    assert json.loads((tmp_path / "out" / "results.json").read_bytes())["complete"] is True


def test_bad_arguments_are_refused_with_exit_code_2(home: Path, tmp_path: Path) -> None:
    ran = bench(home, "--level", "1", "--modes", "choir", "--out", tmp_path / "out")
    assert ran.returncode == 2
    assert "'choir'" in ran.stderr
    assert not (tmp_path / "out").exists()
