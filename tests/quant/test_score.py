"""The oracle that servers are compared with: one command, rows in, log-probabilities out."""

import io
import json
from pathlib import Path

import pytest
import torch

from hekaton_quant.model.score import cache_of, main, scores
from hekaton_quant.model.train import save_model
from hekaton_quant.model.transformer import ExactCache, Transformer

ROW = [3, 1, 4, 1, 5, 9, 2, 6]


def test_a_row_gets_the_log_probability_of_each_token_but_the_first(
    tiny_model: Transformer,
) -> None:
    found = scores(tiny_model, ROW, ExactCache())
    logs = tiny_model(torch.tensor([ROW]), ExactCache())[0].log_softmax(dim=-1).detach()
    assert found["own"] == pytest.approx([float(logs[i, ROW[i + 1]]) for i in range(7)], abs=1e-4)
    assert all(best >= own for best, own in zip(found["best"], found["own"], strict=True))


def test_a_codec_changes_the_scores(tiny_model: Transformer) -> None:
    plain, packed = (
        scores(tiny_model, ROW, cache_of(tiny_model, name)) for name in ("exact", "tq5x")
    )
    assert plain["own"] != packed["own"]


def test_the_command_answers_each_row(
    tiny_model: Transformer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_model(tiny_model, tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps([ROW, ROW[:3]])))
    assert main([str(tmp_path), "tq5x"]) == 0
    assert [len(each["own"]) for each in json.loads(capsys.readouterr().out)] == [7, 2]


def test_an_unknown_codec_names_the_known_ones(
    tiny_model: Transformer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(tiny_model, tmp_path)
    assert main([str(tmp_path), "tq9x"]) == 2
    assert "known: tq6x" in capsys.readouterr().err
