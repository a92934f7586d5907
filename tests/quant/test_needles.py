"""Needles: they stand twice in a row, only looking back finds them, and a tiny model learns to."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hekaton_quant.bench.retrieval import needles
from hekaton_quant.bench.subject import Scope, Subject, recall_subject
from hekaton_quant.errors import Unsupported
from hekaton_quant.model.config import ModelConfig
from hekaton_quant.model.needles import Needles, needle_rows, needles_found
from hekaton_quant.model.recall import Drill, drill_rows, recall_config, train_recall
from hekaton_quant.model.train import fresh_model
from hekaton_quant.model.transformer import ExactCache, Transformer

FEW = Needles(number=3, size=6, cue=2)


@pytest.fixture
def text() -> Tensor:
    return torch.arange(500) % 37


def test_every_needle_stands_once_in_the_text_and_again_at_the_end(text: Tensor) -> None:
    for row in needle_rows(text, 100, 4, FEW, seed=1):
        for start in range(100 - FEW.tail, 100, FEW.size):
            needle = row[start : start + FEW.size]
            places = [i for i in range(100 - FEW.tail) if torch.equal(row[i : i + 6], needle)]
            assert len(places) == 1


def test_only_what_follows_a_cue_is_asked_for() -> None:
    asked = FEW.asked(100)
    assert asked.sum() == 3 * 4
    assert asked[82:88].tolist() == [False, False, True, True, True, True]
    assert not asked[:82].any()


def test_needles_need_enough_text_and_room() -> None:
    with pytest.raises(Unsupported, match="50 tokens; a row of 100"):
        needle_rows(torch.arange(50), 100, 4, FEW, seed=1)
    with pytest.raises(Unsupported, match="row of 30 tokens has no room .*; 36 have"):
        needle_rows(torch.arange(50), 30, 4, FEW, seed=1)


def test_an_untrained_model_finds_few_needles(tiny_model: Transformer, text: Tensor) -> None:
    rows = needle_rows(text, 100, 4, FEW, seed=1)
    assert needles_found(tiny_model, rows, ExactCache(), FEW) < 0.5


def test_a_drill_asks_only_for_tokens_that_stood_there_before() -> None:
    rows, asked = drill_rows(64, 90, 5, torch.Generator().manual_seed(2))
    assert asked[:, :45].sum() == 0
    for row, mask in zip(rows, asked, strict=True):
        before = {tuple(row[i : i + 2].tolist()) for i in range(44)}
        for i in mask.nonzero()[:, 0].tolist():
            assert tuple(row[i - 1 : i + 1].tolist()) in before


def test_the_copying_model_has_qwens_parts() -> None:
    config = recall_config(512)
    assert config.bias
    assert config.group == 2
    assert config.head_size == 128


def test_a_drill_teaches_a_tiny_model_some_copying() -> None:
    small = replace(recall_config(16), hidden=32, inner=16, head_size=64)
    rows, asked = drill_rows(16, 24, 64, torch.Generator().manual_seed(9))

    @torch.no_grad()
    def loss(model: Transformer) -> float:
        guesses = model(rows[:, :-1], ExactCache())[asked[:, 1:]]
        return float(functional.cross_entropy(guesses, rows[:, 1:][asked[:, 1:]]))

    lines: list[str] = []
    drill = Drill(seconds=1.0, shortest=24, longest=24, batch_tokens=480)
    model = train_recall(fresh_model(small, 0), drill, lines.append)
    assert loss(model) < loss(fresh_model(small, 0))
    assert lines[0].startswith("step 0  0%  rows of 24")


def test_the_table_counts_bytes_and_tokens(tiny_model: Transformer) -> None:
    ids = torch.randint(40, (900,), generator=torch.Generator().manual_seed(2))
    scope = Scope(
        context=24,
        calibration=2,
        needle_lengths=(150, 200),
        needles=1,
        caches=("tq5x bias", "fp8", "tq6x calibrated"),
    )
    table = needles(Subject(tiny_model, ids, ids), scope)
    assert [row[:2] for row in table.rows] == [
        ("exact", 256.0),
        ("fp8", 128.0),
        ("tq5x bias", 48.0),
        ("tq6x calibrated", 40.0),
    ]
    assert table.columns[2:] == ("150 tokens", "200 tokens")
    assert "54 tokens" in table.note


def test_a_copying_model_is_calibrated_on_rows_to_copy(
    tiny_config: ModelConfig, tmp_path: Path
) -> None:
    drill = Drill(seconds=0.1, vocabulary=300)
    subject = recall_subject(tmp_path, drill)
    assert subject.model.config.vocabulary == 300
    first = subject.training[:256]
    pairs = {tuple(first[i : i + 6].tolist()) for i in range(122)}
    assert any(tuple(first[i : i + 6].tolist()) in pairs for i in range(128, 250))
