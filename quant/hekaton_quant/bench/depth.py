"""An estimate for deep models: what each layer alone costs, added up over 36 of them.

vLLM's presets leave the first and last two layers in 16 bits, which on six layers is most of the
model and on 36 is a ninth of it. So the loss of an inner and of an outer layer is measured apart,
one packed layer at a time, and summed for either depth; it is an estimate, since losses add only
while they are small.
"""

from collections.abc import Sequence

from hekaton_quant.bench.subject import Layers, Scope, Subject
from hekaton_quant.bench.table import Cell, Table
from hekaton_quant.errors import Unsupported
from hekaton_quant.model.codecs import calibrated_layers, mean_layers, native_layers
from hekaton_quant.model.evaluate import CodecCache, exact_logits, quality
from hekaton_quant.model.statistics import measure
from hekaton_quant.sizes import NATIVE, TRELLIS

DEPTH = 36
_OUTER = 2
"""Layers at either end that count as outer."""


def _alone(subject: Subject, scope: Scope, layers: Layers) -> list[float]:
    """KL with one packed layer at a time, by layer."""
    ids = subject.rows(scope)
    exact = exact_logits(subject.model, ids)
    found = []
    for i in range(len(layers)):
        only = [layer if i == j else None for j, layer in enumerate(layers)]
        found.append(quality(subject.model, ids, exact, CodecCache(only)).kl)
    return found


def _split(losses: Sequence[float]) -> tuple[float, float]:
    """Mean loss of an inner layer and of an outer one."""
    outer = [*losses[:_OUTER], *losses[-_OUTER:]]
    inner = losses[_OUTER:-_OUTER]
    return sum(inner) / len(inner), sum(outer) / len(outer)


def at_depth(subject: Subject, scope: Scope) -> Table:
    """Bytes and estimated KL at 36 layers; vLLM's presets with their outer layers in bf16."""
    model, count = subject.model, subject.model.config.layers
    if count <= 2 * _OUTER:
        raise Unsupported([f"The model has {count} layers; this needs more than {2 * _OUTER}."])
    moments = measure(model, subject.calibration_rows(scope), scope.seed)
    rows: list[tuple[Cell, ...]] = []
    kept = DEPTH - 2 * _OUTER
    for native in NATIVE[1:]:
        inner, outer = _split(_alone(subject, scope, native_layers(native, model)))
        true = native.mean_bytes_per_token(model.config.head_size, DEPTH)
        rows.append((f"{native.name} +boundary", true, inner, outer, kept * inner))
    for preset in TRELLIS:
        kinds: list[tuple[str, Layers]] = [
            ("mean", mean_layers(preset, model, moments)),
            ("calibrated", calibrated_layers(preset, model, moments)),
        ]
        for kind, layers in kinds:
            inner, outer = _split(_alone(subject, scope, layers))
            size = preset.bytes_per_token(model.config.head_size)
            whole = kept * inner + 2 * _OUTER * outer
            rows.append((f"{preset.name} {kind}", size, inner, outer, whole))
    columns = (
        "cache",
        f"bytes at {DEPTH}",
        "KL of an inner layer",
        "of an outer",
        f"KL at {DEPTH}",
    )
    note = (
        f"{scope.sequences} sequences of {scope.context}; one layer packed at a time, then summed"
    )
    return Table(f"estimate at {DEPTH} layers", columns, tuple(rows), note)
