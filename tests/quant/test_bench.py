"""The benchmark: every question gives a table, and the command says what it cannot do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hekaton_quant.bench.__main__ import arguments, drawn, main, tables
from hekaton_quant.bench.depth import at_depth
from hekaton_quant.bench.modelled import model_quality
from hekaton_quant.bench.plot import kl_svg, rate_distortion_svg
from hekaton_quant.bench.subject import Scope, Subject
from hekaton_quant.bench.synthetic import Draw, distortion, encoding_parts
from hekaton_quant.bench.table import Table
from hekaton_quant.errors import Unsupported
from hekaton_quant.model.transformer import Transformer


def test_every_synthetic_question_gives_a_table() -> None:
    shown: list[str] = []
    done = tables(arguments(["--vectors", "24"]), lambda table: shown.append(table.text()))
    assert [table.title.split()[0] for table in done] == [
        "distortion",
        "inner",
        "attention",
        "bytes",
        "speed",
        "encoding",
    ]
    assert all("tq5x" in text and "turboquant_3bit_nc" in text for text in shown[:-1])


def test_the_parts_of_the_encoder_add_up() -> None:
    for row in encoding_parts(Draw()).rows:
        assert sum(float(cell) for cell in row[2:]) == pytest.approx(1.0)


def test_a_shallow_model_has_no_inner_layers_to_measure(tiny_model: Transformer) -> None:
    ids = torch.randint(40, (400,), generator=torch.Generator().manual_seed(2))
    with pytest.raises(Unsupported, match="The model has 2 layers; .* more than 4"):
        at_depth(Subject(tiny_model, ids, ids), Scope(sequences=1, context=24, calibration=2))


def test_only_the_named_caches_are_measured(tiny_model: Transformer) -> None:
    ids = torch.randint(40, (400,), generator=torch.Generator().manual_seed(2))
    scope = Scope(sequences=1, context=24, calibration=2, caches=("tq5x mean", "fp8"))
    rows = model_quality(Subject(tiny_model, ids, ids), scope).rows
    assert [row[0] for row in rows] == ["fp8", "tq5x mean"] * 2


def test_our_codes_are_nearest_to_the_bound() -> None:
    rows = distortion(Draw(vectors=96)).rows
    gaps = {str(row[0]): float(row[6]) for row in rows if row[1] == "K"}
    ours = [gaps[name] for name in ("tq6x", "tq5x", "tq4x")]
    others = [gap for name, gap in gaps.items() if not name.startswith("tq")]
    assert max(ours) < 2.0 < min(others)


def test_the_command_writes_json_and_a_plot(tmp_path: Path) -> None:
    out, plot = tmp_path / "x.json", tmp_path / "x.svg"
    words = ["--only", "distortion", "--vectors", "8", "--json", str(out), "--plot", str(plot)]
    assert main(words) == 0
    table = json.loads(out.read_text())["tables"][0]
    assert {row["preset"] for row in table["rows"]} >= {"tq5x", "turboquant_4bit_nc", "bf16"}
    assert plot.read_text().startswith("<svg")


def test_the_same_seed_gives_the_same_figures() -> None:
    assert distortion(Draw(vectors=8, seed=3)) == distortion(Draw(vectors=8, seed=3))
    assert distortion(Draw(vectors=8, seed=3)) != distortion(Draw(vectors=8, seed=4))


def test_a_missing_model_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "quality", "--model", "/nowhere"]) == 2
    assert "/nowhere/tokenizer.json does not exist" in capsys.readouterr().err


def test_the_module_runs_as_a_command() -> None:
    words = [sys.executable, "-m", "hekaton_quant.bench", "--only", "bytes"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "tq6x" in done.stdout


def test_a_model_is_measured_with_and_without_outliers(tiny_model: Transformer) -> None:
    ids = torch.randint(40, (400,), generator=torch.Generator().manual_seed(2))
    scope = Scope(sequences=1, context=24, calibration=2)
    table = model_quality(Subject(tiny_model, ids, ids), scope)
    assert {row[1] for row in table.rows} == {"plain", "outliers"}
    assert len(table.rows) == 2 * 28


def test_numbers_stand_to_the_right() -> None:
    text = Table("t", ("name", "n"), (("a", 1), ("bb", 23.5))).text()
    assert text == "t\nname     n\na        1\nbb    23.5\n"


def test_a_plot_marks_every_point() -> None:
    svg = rate_distortion_svg([("tq5x", 3.0, 0.022), ("paper_mse3", 3.25, 0.034)])
    assert svg.count("<circle") == 2


def test_a_plot_of_kl_leaves_out_what_lies_beyond_its_axes() -> None:
    points = [("tq5x mean", 96, 0.004), ("turboquant_3bit_nc", 102, 0.008), ("bf16", 512, 1e-7)]
    svg = kl_svg(points)
    assert svg.count("<circle") == 2
    assert "bf16" not in svg


def test_the_first_table_that_can_be_drawn_is() -> None:
    row = ("tq5x mean", "plain", 96, 0.004, 16.0, 0.9, 0.5, 1.0)
    quality = Table("next-token distributions", ("cache", "K"), (row, ("x", "outliers", 96, 0.004)))
    svg = drawn([Table("bytes", (), ()), quality]) or ""
    assert svg.count("<circle") == 1
    assert drawn([Table("bytes", (), ())]) is None
