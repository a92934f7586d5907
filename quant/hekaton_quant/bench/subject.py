"""What a model-level question is asked of: a model, the text that measures and the text that fits.

Two constants of the calibration were once chosen on the first 60,000 held-out tokens, so what is
measured begins far behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hekaton_quant.codec import LayerCodec
from hekaton_quant.errors import Unsupported
from hekaton_quant.model.corpus import folder_texts
from hekaton_quant.model.recall import Drill, drill_rows, make_recaller
from hekaton_quant.model.tokenizer import read_tokenizer
from hekaton_quant.model.train import Course, library_ids, make_model, text_ids
from hekaton_quant.model.transformer import Transformer, load_model

Layers = Sequence[LayerCodec | None]
_FRESH = 100_000
"""Held-out tokens that are passed over."""
_READ = 60_000
"""Tokens that are read of each text."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How much text a model-level measurement reads."""

    sequences: int = 4
    """Held-out sequences for KL."""
    context: int = 1024
    """Tokens of each."""
    calibration: int = 24
    """Sequences of the training text that a calibration reads."""
    needle_lengths: tuple[int, ...] = (256, 1024, 4096)
    needles: int = 2
    """Rows for each length, each with several needles."""
    seed: int = 0
    caches: tuple[str, ...] = ()
    """Names of the caches whose KL is measured; empty for all."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, the text it is measured on and the text that calibrates; no file is in both."""

    model: Transformer
    held_out: Tensor
    training: Tensor

    def rows(self, scope: Scope) -> Tensor:
        """(sequences, context + 1) held-out ids, spread over the text."""
        return _rows(self.held_out, scope.sequences, scope.context)

    def calibration_rows(self, scope: Scope) -> Tensor:
        """(calibration, context + 1) ids of the training part."""
        return _rows(self.training, scope.calibration, scope.context)


def _rows(ids: Tensor, count: int, context: int) -> Tensor:
    if len(ids) < context + 1:
        raise Unsupported([f"The text has {len(ids)} tokens; a row of {context} needs one more."])
    step = (len(ids) - context - 1) // max(1, count)
    return torch.stack([ids[i * step : i * step + context + 1] for i in range(count)])


def own_subject(folder: Path, course: Course, text: Path | None = None) -> Subject:
    """The benchmark's own model, trained first if the folder does not hold it."""
    if not (folder / "model.safetensors").is_file():
        make_model(folder, course, lambda line: print(line, flush=True))
    return folder_subject(folder, text)


def recall_subject(folder: Path, drill: Drill) -> Subject:
    """The copying model, trained first if the folder does not hold it; its needles lie in text.

    It is calibrated on rows such as it learned from, since plain text gives it nothing to copy.
    """
    if not (folder / "model.safetensors").is_file():
        make_recaller(folder, drill, lambda line: print(line, flush=True))
    subject = folder_subject(folder)
    random = torch.Generator().manual_seed(drill.seed + 1)
    rows, _ = drill_rows(subject.model.config.vocabulary, 256, _READ // 256, random)
    return Subject(subject.model, subject.held_out, rows.flatten())


def folder_subject(folder: Path, text: Path | None = None) -> Subject:
    """Any model folder, measured on held-out sources of the standard library or on a folder."""
    tokenizer = read_tokenizer(folder)
    if text is None:
        held_out = library_ids(tokenizer, held_out=True, most=_FRESH + _READ)[_FRESH:]
    else:
        held_out = text_ids(tokenizer, folder_texts(text), most=_READ)
    training = library_ids(tokenizer, held_out=False, most=_READ)
    return Subject(load_model(folder), held_out, training)
