"""A calibration in a file gives the codecs that were calibrated."""

from pathlib import Path

import numpy
import pytest
import torch

from hekaton_quant.errors import Unsupported
from hekaton_quant.model.codecs import model_bases, model_rope
from hekaton_quant.model.statistics import measure
from hekaton_quant.model.transformer import Transformer
from hekaton_quant.stored import layer_codecs, load_bases, save_bases


def test_a_stored_calibration_writes_the_same_bytes(
    tiny_model: Transformer, tmp_path: Path
) -> None:
    random = torch.Generator().manual_seed(3)
    bases = model_bases(measure(tiny_model, torch.randint(40, (2, 33), generator=random)))
    save_bases(bases, tmp_path / "x.npz")
    rope, x = model_rope(tiny_model), torch.randn(8, 1, 64, generator=random)
    slots = [
        layer_codecs(layers, 48, rope)[1].encode(x, x, torch.arange(8))
        for layers in (bases, load_bases(tmp_path / "x.npz"))
    ]
    assert slots[0].shape == (8, 1, 48)
    assert torch.equal(slots[0], slots[1])


def test_another_archive_is_refused(tmp_path: Path) -> None:
    numpy.savez(tmp_path / "y.npz", mean=numpy.zeros(3))
    with pytest.raises(Unsupported, match="lacks forward, backward, variances"):
        load_bases(tmp_path / "y.npz")
