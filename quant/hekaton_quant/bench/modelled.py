"""Questions that a model answers by its next-token distributions: KL and perplexity by bytes."""

import math
import sys
from collections.abc import Iterator, Sequence

from hekaton_quant.bench.subject import Layers, Scope, Subject
from hekaton_quant.bench.table import Cell, Table
from hekaton_quant.model.codecs import (
    bias_layers,
    calibrated_layers,
    mean_layers,
    native_layers,
    plain_layers,
    planned_layers,
)
from hekaton_quant.model.evaluate import CodecCache, exact_logits, quality
from hekaton_quant.model.outliers import with_outliers
from hekaton_quant.model.statistics import measure
from hekaton_quant.sizes import NATIVE, PLAIN, TQ5X, TRELLIS, ExactSpan

QUALITY = "next-token distributions"


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
        least = calibrated_layers(preset, model, moments, unbiased=False)
        yield f"{preset.name} calibrated", least
        yield f"{preset.name} calibrated, unbiased", calibrated_layers(preset, model, moments)
        yield f"{preset.name} calibrated, planned", planned_layers(preset, model, moments)


def _kl_rows(subject: Subject, scope: Scope, label: str) -> list[tuple[Cell, ...]]:
    ids = subject.rows(scope)
    exact = exact_logits(subject.model, ids)
    rows: list[tuple[Cell, ...]] = []
    for name, layers in _caches(subject, scope):
        if scope.caches and name not in scope.caches:
            continue
        got = quality(subject.model, ids, exact, CodecCache(layers))
        rows.append((name, label, got.bytes_per_token, got.kl, got.perplexity, got.top1))
        print(*rows[-1], file=sys.stderr, flush=True)  # a row takes half a minute
    return rows


def _relative(rows: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    kl = {str(row[0]): float(row[3]) for row in rows}
    three, four = (kl.get(f"turboquant_{bits}bit_nc", math.nan) for bits in (3, 4))
    return [(*row, float(row[3]) / three, float(row[3]) / four) for row in rows]


def model_quality(subject: Subject, scope: Scope) -> Table:
    """KL from the exact cache, all layers, no window; plain and with outlier channels."""
    rows = _relative(_kl_rows(subject, scope, "plain"))
    twin = Subject(with_outliers(subject.model), subject.held_out, subject.training)
    rows += _relative(_kl_rows(twin, scope, "outliers"))
    columns = ("cache", "K", "bytes", "KL", "perplexity", "top-1", "KL/3bit_nc", "KL/4bit_nc")
    note = f"{scope.sequences} held-out sequences of {scope.context} tokens; bytes as packed"
    return Table(QUALITY, columns, tuple(rows), note)


def points(table: Table) -> list[tuple[str, float, float]]:
    """(name, bytes, KL) of the rows of `model_quality` on the plain model, for a plot."""
    return [(str(row[0]), float(row[2]), float(row[3])) for row in table.rows if row[1] == "plain"]


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
