"""The table, the files and what they hold."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hekaton_runtime.bench.rows import Row
from hekaton_runtime.bench.summary import markdown, summaries, table
from hekaton_runtime.bench.writing import About, csv_text, write
from hekaton_runtime.errors import BadInput

ABOUT = About("r", "small SIMULATED", "simulated", True, True, "budget: held")


@pytest.fixture
def rows(make_row: Callable[..., Row]) -> list[Row]:
    return [
        make_row(),
        make_row(task="Small/2", outcome="FAIL", first_try=False, accepted=False, reason='says "no",\nloud'),
        make_row(mode="swarm", outcome="STOPPED", first_try=False, tokens=500),
    ]  # fmt: skip


def test_each_mode_has_a_column_beside_the_others(rows: list[Row]) -> None:
    made = table("small", summaries(rows))
    lines = {name: cells for name, *cells in made.lines}
    assert made.modes == ("single", "swarm")
    assert lines["tasks"] == ["2", "1"]
    assert lines["PASS"] == ["1", "0"]
    assert lines["first-try PASS"] == ["1 (50.0%)", "0 (0.0%)"]
    assert lines["STOPPED"] == ["0", "1"]
    assert lines["tokens per PASS"] == ["4,000", "-"]
    assert lines["95 % interval"] == ["1.3% to 98.7%", "0.0% to 97.5%"]
    assert lines["cost"] == ["$0.0030", "$0.0015"]


def test_a_document_gets_the_same_table(rows: list[Row]) -> None:
    text = markdown(table("small SIMULATED", summaries(rows)))
    assert "**small SIMULATED**" in text
    assert "| tokens | 4,000 | 500 |" in text


def test_the_csv_begins_with_the_fields_of_the_seed(rows: list[Row]) -> None:
    head, *body = csv.reader(csv_text(rows).splitlines(keepends=True))
    assert head[:7] == ["task", "mode", "complexity", "tokens", "token_roi", "latency_s", "outcome"]
    assert {"cost_usd", "loops", "reason", "mission"} <= set(head)
    assert body[1][head.index("reason")] == 'says "no",\nloud'
    assert [line[head.index("token_roi")] for line in body] == ["0.5", "0.0", "0.0"]


def test_the_json_says_what_is_simulated_and_complete(tmp_path: Path, rows: list[Row]) -> None:
    modes = summaries(rows)
    files = write(tmp_path / "out", ABOUT, modes, rows)
    said = json.loads(files[0].read_bytes())
    assert (said["simulated"], said["complete"], len(said["tasks"])) == (True, True, 3)
    assert said["modes"][0]["pass_rate"] == 0.5
    assert [path.name for path in files] == ["results.json", "results.csv", "results.md"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, rows: list[Row]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="--out"):
        write(tmp_path / "file" / "x", ABOUT, (), rows)
