"""Needles at growing length: what each cache still finds of what the exact cache finds."""

from collections.abc import Iterator

from hekaton_quant.bench.subject import Layers, Scope, Subject
from hekaton_quant.bench.table import Cell, Table
from hekaton_quant.model.codecs import bias_layers, calibrated_layers, native_layers
from hekaton_quant.model.evaluate import CodecCache
from hekaton_quant.model.needles import Needles, needle_rows, needles_found
from hekaton_quant.model.statistics import measure
from hekaton_quant.model.transformer import Cache, ExactCache
from hekaton_quant.sizes import NATIVE, PLAIN, TRELLIS


def _caches(subject: Subject, scope: Scope) -> Iterator[tuple[str, Layers]]:
    model = subject.model
    for native in (*PLAIN, *NATIVE):
        yield native.name, native_layers(native, model)
    for preset in TRELLIS:
        yield f"{preset.name} bias", bias_layers(preset, model)
    moments = measure(model, subject.calibration_rows(scope), scope.seed)
    for preset in TRELLIS:
        yield f"{preset.name} calibrated", calibrated_layers(preset, model, moments)


def needles(subject: Subject, scope: Scope) -> Table:
    """Share of the needles' tokens that the model finds, all layers packed, by length."""
    hidden, lengths = Needles(), scope.needle_lengths
    texts = [
        needle_rows(subject.held_out, length, scope.needles, hidden, scope.seed)
        for length in lengths
    ]

    def row(name: str, size: float, cache: Cache) -> tuple[Cell, ...]:
        return (name, size, *(needles_found(subject.model, t, cache, hidden) for t in texts))

    rows = [row("exact", 4.0 * subject.model.config.head_size, ExactCache())]
    for name, layers in _caches(subject, scope):
        if scope.caches and name not in scope.caches:
            continue
        size = sum(layer.size for layer in layers if layer) / len(layers)
        rows.append(row(name, size, CodecCache(layers)))
    asked = scope.needles * hidden.number * (hidden.size - hidden.cue)
    note = f"share of {asked} tokens at each length; {hidden.number} needles of {hidden.size} a row"
    columns = ("cache", "bytes", *(f"{length} tokens" for length in lengths))
    return Table("needles found", columns, tuple(rows), note)
