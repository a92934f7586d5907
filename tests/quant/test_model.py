"""The model harness: folders round-trip, the seam shows what the codec did, bytes are counted."""

import json
from pathlib import Path

import pytest
import torch

from hekaton_quant.errors import Unsupported
from hekaton_quant.model.bpe import learn_bpe
from hekaton_quant.model.codecs import bias_layers, calibrated_layers, native_layers, plain_layers
from hekaton_quant.model.config import ModelConfig, read_config
from hekaton_quant.model.evaluate import (
    CodecCache,
    exact_logits,
    exact_mask,
    quality,
)
from hekaton_quant.model.outliers import with_outliers
from hekaton_quant.model.statistics import measure
from hekaton_quant.model.tokenizer import read_tokenizer, write_tokenizer
from hekaton_quant.model.train import Course, fresh_model, save_model, train
from hekaton_quant.model.transformer import ExactCache, Seen, Transformer, load_model
from hekaton_quant.model.weights import read_tensors, write_tensors
from hekaton_quant.sizes import NATIVE, TQ4X, TQ6X, ExactSpan

TEXT = "def spam(eggs):\n    return eggs + 1  # naïve\n" * 20


@pytest.fixture
def rows() -> torch.Tensor:
    return torch.randint(40, (2, 49), generator=torch.Generator().manual_seed(3))


def test_a_learned_tokenizer_round_trips_text_and_file(tmp_path: Path) -> None:
    tokenizer = learn_bpe([TEXT], 300)
    write_tokenizer(tokenizer, tmp_path)
    again = read_tokenizer(tmp_path)
    ids = again.encode(TEXT + "\tunseen ☃\r\n\n x_1")
    assert again.decode(ids) == TEXT + "\tunseen ☃\r\n\n x_1"
    assert ids == tokenizer.encode(TEXT + "\tunseen ☃\r\n\n x_1")
    assert len(again.encode(TEXT)) < len(TEXT) / 3


def test_tensors_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    given = {"a": torch.randn(3, 5), "b": torch.arange(4), "c": torch.randn(7).bfloat16()}
    write_tensors(given, path)
    for name, tensor in read_tensors(path):
        assert torch.equal(tensor, given[name])


def test_a_saved_model_loads_as_itself(
    tiny_model: Transformer, rows: torch.Tensor, tmp_path: Path
) -> None:
    save_model(tiny_model, tmp_path)
    again = load_model(tmp_path)
    assert again.config == tiny_model.config
    before, after = exact_logits(tiny_model, rows)[0], exact_logits(again, rows)[0]
    torch.testing.assert_close(before, after, atol=0.5, rtol=0.1)  # the file holds bf16


def test_weights_that_do_not_fit_are_refused(tiny_model: Transformer, tmp_path: Path) -> None:
    save_model(tiny_model, tmp_path)
    write_tensors({"model.other": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(Unsupported, match=r"lack embed_tokens\.weight(.|\n)*hold model\.other"):
        load_model(tmp_path)


def test_an_unsupported_model_is_refused_with_every_reason(tmp_path: Path) -> None:
    raw = {"architectures": ["MambaForCausalLM"], "use_sliding_window": True}
    (tmp_path / "config.json").write_text(json.dumps(raw))
    with pytest.raises(Unsupported) as caught:
        read_config(tmp_path)
    assert len(caught.value.reasons) == 7
    assert "MambaForCausalLM" in caught.value.reasons[0]


class Blind:
    """A cache that shows zeros, except where told to be exact."""

    def __init__(self, span: ExactSpan) -> None:
        self.span = span

    def see(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> Seen:
        mask = exact_mask(keys.shape[2], self.span)
        return Seen(torch.zeros_like(keys), torch.zeros_like(values), mask)


def test_a_window_over_everything_is_the_exact_cache(
    tiny_model: Transformer, rows: torch.Tensor
) -> None:
    ids = rows[:, :-1]
    truth = tiny_model(ids, ExactCache())
    for span in (ExactSpan(0, 48), ExactSpan(48, 0)):
        # Sums of floats in another order.
        torch.testing.assert_close(tiny_model(ids, Blind(span)), truth, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(tiny_model(ids, Blind(ExactSpan(4, 8))), truth)


def test_bytes_are_counted_as_packed(tiny_model: Transformer, rows: torch.Tensor) -> None:
    cache = CodecCache(plain_layers(TQ6X, tiny_model))
    exact = exact_logits(tiny_model, rows)
    assert quality(tiny_model, rows, exact, cache).bytes_per_token == 40
    cache = CodecCache(plain_layers(TQ6X, tiny_model), ExactSpan(4, 8))
    got = quality(tiny_model, rows, exact, cache).bytes_per_token
    assert got == pytest.approx(40 + 12 * 4 * 64 / 48)


def test_boundary_layers_are_exact_and_counted(tiny_model: Transformer, rows: torch.Tensor) -> None:
    cache = CodecCache(native_layers(NATIVE[3], tiny_model, boundary=True))
    got = quality(tiny_model, rows, exact_logits(tiny_model, rows), cache)
    assert got.bytes_per_token == 4 * 64
    assert got.kl == pytest.approx(0.0, abs=1e-6)


def test_more_bytes_lose_less(tiny_model: Transformer, rows: torch.Tensor) -> None:
    exact = exact_logits(tiny_model, rows)
    losses = [
        quality(tiny_model, rows, exact, CodecCache(bias_layers(preset, tiny_model))).kl
        for preset in (TQ4X, TQ6X)
    ]
    assert 0 < losses[0] < losses[1]


def test_a_calibrated_codec_keeps_its_bytes_and_gains(
    tiny_model: Transformer, rows: torch.Tensor
) -> None:
    moments = measure(tiny_model, rows.repeat(2, 1))
    exact = exact_logits(tiny_model, rows)
    plain, calibrated = (
        quality(tiny_model, rows, exact, CodecCache(layers))
        for layers in (plain_layers(TQ6X, tiny_model), calibrated_layers(TQ6X, tiny_model, moments))
    )
    assert calibrated.bytes_per_token == plain.bytes_per_token == 40
    assert calibrated.kl < plain.kl


def test_outliers_leave_the_function_as_it_was(tiny_model: Transformer, rows: torch.Tensor) -> None:
    twin = with_outliers(tiny_model, pairs=2)
    torch.testing.assert_close(
        exact_logits(twin, rows)[0], exact_logits(tiny_model, rows)[0], atol=1e-3, rtol=1e-3
    )
    assert (
        twin.attentions()[0].k_proj.weight.norm() > tiny_model.attentions()[0].k_proj.weight.norm()
    )


def test_a_little_training_lowers_the_loss(
    tiny_config: ModelConfig, tiny_model: Transformer
) -> None:
    ids = (torch.arange(4000) * 7) % 40
    lines: list[str] = []
    course = Course(seconds=2.0, context=80, batch_tokens=256)
    model = train(ids, fresh_model(tiny_config, 0), course, lines.append)

    def loss(one: Transformer) -> float:
        logs = exact_logits(one, ids[None, :65])[0]
        return float(-logs.gather(1, ids[1:65, None]).mean())

    assert loss(model) < loss(tiny_model)
    assert lines[0].startswith("step 0")
