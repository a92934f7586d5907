"""How vLLM finds the plugin, and the calibration file that it takes."""

import importlib
import sys
import tomllib
from pathlib import Path

import pytest
import torch

from hekaton_quant.calibrate import main
from hekaton_quant.model.bpe import learn_bpe
from hekaton_quant.model.config import ModelConfig
from hekaton_quant.model.tokenizer import write_tokenizer
from hekaton_quant.model.train import fresh_model, save_model
from hekaton_quant.rope import Rope
from hekaton_quant.stored import layer_codecs, load_bases

ROOT = Path(__file__).resolve().parents[2]
TEXT = "def answer() -> int:\n    return 42\n" * 40


@pytest.mark.parametrize("group", ["vllm.platform_plugins", "vllm.general_plugins"])
def test_each_entry_point_names_a_function_that_loads_without_vllm(group: str) -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    module, _, name = points[group]["hekaton"].partition(":")
    assert callable(getattr(importlib.import_module(module), name))
    assert "vllm" not in sys.modules


def folder(path: Path, tiny_config: ModelConfig) -> Path:
    tokenizer = learn_bpe([TEXT], 300)
    config = ModelConfig(
        **{
            name: getattr(tiny_config, name)
            for name in ModelConfig.__dataclass_fields__
            if name != "vocabulary"
        },
        vocabulary=len(tokenizer.vocabulary),
    )
    write_tokenizer(tokenizer, path)
    save_model(fresh_model(config, 0), path)
    return path


def test_a_calibration_of_a_folder_is_a_file_that_codecs_are_made_of(
    tiny_config: ModelConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, text, out = (
        folder(tmp_path / "model", tiny_config),
        tmp_path / "text",
        tmp_path / "b.npz",
    )
    text.mkdir()
    (text / "a.py").write_text(TEXT)
    words = [str(model), str(out), "--text", str(text), "--sequences", "2", "--context", "32"]
    assert main(words) == 0
    assert "2 layers of 1 KV heads" in capsys.readouterr().out
    codec = layer_codecs(load_bases(out), 48, Rope(64))[1]
    x = torch.randn(3, 1, 64)
    assert codec.encode(x, x, torch.arange(3)).shape == (3, 1, 48)


def test_a_folder_without_a_tokenizer_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), str(tmp_path / "b.npz")]) == 2
    assert "does not exist" in capsys.readouterr().err
