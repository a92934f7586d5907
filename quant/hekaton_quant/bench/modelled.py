"""Questions that a model answers: KL and perplexity at equal bytes, needles at growing length."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hekaton_quant.bench.table import Cell, Table
from hekaton_quant.codec import LayerCodec
from hekaton_quant.model.codecs import (
    bias_layers,
    calibrated_layers,
    mean_layers,
    native_layers,
    plain_layers,
)
from hekaton_quant.model.evaluate import (
    CodecCache,
    exact_logits,
    needle_rows,
    needles_found,
    quality,
)
from hekaton_quant.model.outliers import with_outliers
from hekaton_quant.model.statistics import measure
from hekaton_quant.model.tokenizer import read_tokenizer
from hekaton_quant.model.train import Course, library_ids, make_model
from hekaton_quant.model.transformer import ExactCache, Transformer, load_model
from hekaton_quant.sizes import NATIVE, PLAIN, TQ5X, TRELLIS, ExactSpan

Layers = Sequence[LayerCodec | None]


@dataclass(frozen=True, slots=True)
class Scope:
    """How much text a model-level measurement reads."""

    sequences: int = 4
    """Held-out sequences for KL."""
    context: int = 1024
    """Tokens of each."""
    calibration: int = 24
    """Sequences of the training text that a calibration reads."""
    needle_lengths: tuple[int, ...] = (256, 512, 1024, 2048)
    needles: int = 16
    """Rows for each length."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, the text it is measured on and the text that calibrates."""

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
    step = (len(ids) - context - 1) // max(1, count)
    return torch.stack([ids[i * step : i * step + context + 1] for i in range(count)])


def own_subject(folder: Path, course: Course) -> Subject:
    """The benchmark's own model, trained first if the folder does not hold it."""
    if not (folder / "model.safetensors").is_file():
        make_model(folder, course, lambda line: print(line, flush=True))
    return folder_subject(folder)


def folder_subject(folder: Path) -> Subject:
    """Any model folder, measured on the standard library's sources."""
    tokenizer = read_tokenizer(folder)
    held_out = library_ids(tokenizer, held_out=True, most=60_000)
    training = library_ids(tokenizer, held_out=False, most=60_000)
    return Subject(load_model(folder), held_out, training)


def _caches(subject: Subject, scope: Scope) -> Iterator[tuple[str, Layers]]:
    model = subject.model
    for native in (*PLAIN, *NATIVE):
        yield native.name, native_layers(native, model)
        if native.boundary_layers:
            yield f"{native.name} +boundary", native_layers(native, model, boundary=True)
    moments = measure(model, subject.calibration_rows(scope), scope.seed)
    for preset in TRELLIS:
        yield preset.name, plain_layers(preset, model)
        yield f"{preset.name} bias", bias_layers(preset, model)
        yield f"{preset.name} mean", mean_layers(preset, model, moments)
        yield f"{preset.name} calibrated", calibrated_layers(preset, model, moments)


def _kl_rows(subject: Subject, scope: Scope, label: str) -> list[tuple[Cell, ...]]:
    ids = subject.rows(scope)
    exact = exact_logits(subject.model, ids)
    rows: list[tuple[Cell, ...]] = []
    for name, layers in _caches(subject, scope):
        got = quality(subject.model, ids, exact, CodecCache(layers))
        rows.append((name, label, got.bytes_per_token, got.kl, got.perplexity, got.top1))
    return rows


def _relative(rows: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    kl = {str(row[0]): float(row[3]) for row in rows}
    three, four = kl["turboquant_3bit_nc"], kl["turboquant_4bit_nc"]
    return [(*row, float(row[3]) / three, float(row[3]) / four) for row in rows]


def model_quality(subject: Subject, scope: Scope) -> Table:
    """KL from the exact cache, all layers, no window; plain and with outlier channels."""
    rows = _relative(_kl_rows(subject, scope, "plain"))
    twin = Subject(with_outliers(subject.model), subject.held_out, subject.training)
    rows += _relative(_kl_rows(twin, scope, "outliers"))
    columns = ("cache", "K", "bytes", "KL", "perplexity", "top-1", "KL/3bit_nc", "KL/4bit_nc")
    note = f"{scope.sequences} held-out sequences of {scope.context} tokens; bytes as packed"
    return Table("next-token distributions", columns, tuple(rows), note)


def equal_windows(subject: Subject, scope: Scope) -> Table:
    """The same sink and window for a peer and for us: what remains of the difference."""
    ids = subject.rows(scope)
    exact = exact_logits(subject.model, ids)
    rows: list[tuple[Cell, ...]] = []
    for span in (ExactSpan(4, 32), ExactSpan(4, 128)):
        peers = [(native.name, native_layers(native, subject.model)) for native in NATIVE[1::2]]
        ours: list[tuple[str, Layers]] = [("tq5x bias", bias_layers(TQ5X, subject.model))]
        for name, layers in (*peers, *ours):
            got = quality(subject.model, ids, exact, CodecCache(layers, span))
            at_32k = layers[0].size + span.extra_bytes(128, 32768) if layers[0] else math.nan
            rows.append((name, f"{span.sink}+{span.window}", at_32k, got.kl, got.perplexity))
    columns = ("cache", "sink+window", "bytes at 32K", "KL", "perplexity")
    return Table("with an exact sink and window", columns, tuple(rows))


def needles(subject: Subject, scope: Scope) -> Table:
    """Share of a 12-token needle's tokens that the model still copies from the cache."""
    model = subject.model
    caches: list[tuple[str, Layers]] = [
        *((native.name, native_layers(native, model)) for native in NATIVE[1:]),
        *((f"{preset.name} bias", bias_layers(preset, model)) for preset in TRELLIS),
    ]
    lengths = scope.needle_lengths
    found: dict[str, list[Cell]] = {name: [] for name in ("exact", *(name for name, _ in caches))}
    for length in lengths:
        rows = needle_rows(subject.held_out, length, scope.needles, 12, scope.seed)
        found["exact"].append(needles_found(model, rows, ExactCache(), 12))
        for name, layers in caches:
            found[name].append(needles_found(model, rows, CodecCache(layers), 12))
    columns = ("cache", *(f"{length} tokens" for length in lengths))
    return Table("needle copied", columns, tuple((name, *cells) for name, cells in found.items()))
