"""A result says what, with which command, where and under which load; else it is worth nothing."""

import json
from pathlib import Path

import pytest
from figures.report import Machine, Report, Table, machine, markdown, plain, publish
from figures.server import filesystem

WHERE = Machine("abc1234", "A CPU", 2, "3.11.7", "2026-11-21", 1.5, 2.5)
TABLE = Table("Times", ("what", "ms"), (("ours", "1.0"), ("theirs", "13.5")))
REPORT = Report("times", "Times of things", "What it is.", (TABLE,), ("It holds.",), {"ours": 1.0})


def test_a_result_holds_command_commit_machine_load_table_and_what_follows() -> None:
    text = markdown(REPORT, WHERE, "python benchmarks/times.py --write")
    for part in ("# Times of things", "times.py --write", "abc1234", "A CPU", "1.5 before and 2.5", "- It holds."):  # fmt: skip
        assert part in text
    assert "| what | ms |\n|---|---:|\n| ours | 1.0 |" in text


def test_columns_of_numbers_stand_to_the_right() -> None:
    assert plain(TABLE) == "Times\nwhat      ms\nours     1.0\ntheirs  13.5"


def test_json_holds_the_figures_and_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    publish(REPORT, WHERE, as_json=True, write=None)
    said = json.loads(capsys.readouterr().out)
    assert (said["ours"], said["machine"]["commit"], said["notes"]) == (
        1.0,
        "abc1234",
        ["It holds."],
    )


def test_a_result_is_written_to_a_file_or_under_its_name_into_a_folder(tmp_path: Path) -> None:
    for given, file in ((tmp_path, "times.md"), (tmp_path / "mine.md", "mine.md")):
        publish(REPORT, WHERE, as_json=True, write=given)
        assert (tmp_path / file).read_text().startswith("# Times of things")


def test_this_machine_has_cores_and_a_load() -> None:
    here = machine(0.5)
    assert here.cores >= 1
    assert (here.load_before, here.load_after >= 0) == (0.5, True)


def test_the_file_system_of_a_folder_is_the_innermost_mount() -> None:
    assert filesystem(Path("/proc/self")).startswith("proc ")
