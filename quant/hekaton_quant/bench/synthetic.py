"""Questions that random vectors answer: distortion, inner products, attention, bytes, speed."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from hekaton_quant.bench.contenders import Contender, contenders
from hekaton_quant.bench.table import Cell, Table
from hekaton_quant.codec import KeyMean, even_vector
from hekaton_quant.rope import Rope
from hekaton_quant.sizes import HEAD_SIZES, NATIVE, PLAIN, TQ5X, TRELLIS, NativePreset
from hekaton_quant.trellis import BATCH
from hekaton_quant.vector import VectorCodec
from hekaton_quant.viterbi import best_windows, traced_back, window_errors


@dataclass(frozen=True, slots=True)
class Draw:
    """How many random vectors, of which size, from which seed."""

    head_size: int = 128
    vectors: int = 512
    seed: int = 0

    def gaussian(self, salt: int, count: int | None = None) -> Tensor:
        """(count or vectors, head_size) float32 of N(0, 1)."""
        random = torch.Generator().manual_seed(1000 * self.seed + salt)
        return torch.randn(count or self.vectors, self.head_size, generator=random)


def _both(each: Contender) -> list[tuple[str, VectorCodec]]:
    sides: list[tuple[str, VectorCodec]] = [("K", each.head.keys), ("V", each.head.values)]
    return sides if type(sides[0][1]) is not type(sides[1][1]) else sides[:1]


def distortion(draw: Draw) -> Table:
    """Squared error per coordinate of Gaussian vectors, beside Shannon's bound at the same bits."""
    x = draw.gaussian(1)
    rows = []
    for each in contenders(draw.head_size):
        for side, codec in _both(each):
            error = (codec.decode(codec.encode(x)) - x).square().mean() / x.square().mean()
            bits = 8 * codec.size / draw.head_size
            bound = 4.0**-bits
            gap = 10 * math.log10(max(float(error), 1e-30) / bound)
            rows.append((each.name, side, codec.size, bits, float(error), bound, gap))
    columns = ("preset", "side", "bytes", "bits", "mse", "shannon", "gap dB")
    note = "bits count every byte of the slot: scales, norms and zero points included"
    return Table("distortion of N(0, 1)", columns, tuple(rows), note)


def inner_products(draw: Draw) -> Table:
    """Error and slope of q . decoded(k) for random unit vectors."""
    k, q = (torch.nn.functional.normalize(draw.gaussian(i)) for i in (2, 3))
    # A quarter of the queries lean towards their key: a shrinking codec shows only there.
    q[::4] = torch.nn.functional.normalize(q[::4] * 0.5 + k[::4])
    true = (q * k).sum(dim=1)
    rows = []
    for each in contenders(draw.head_size):
        codec = each.head.keys
        seen = (q * codec.decode(codec.encode(k))).sum(dim=1)
        slope = float((seen * true).sum() / true.square().sum())
        error = float((seen - true).square().mean()) * draw.head_size
        rows.append((each.name, codec.size, error, slope - 1))
    columns = ("preset", "K bytes", "error * d", "bias")
    return Table("inner products of unit vectors", columns, tuple(rows), "bias is slope - 1")


@dataclass(frozen=True, slots=True)
class Scene:
    """K and V of one head as models have them, after RoPE, and queries at the end."""

    queries: Tensor
    keys: Tensor
    values: Tensor
    mean: KeyMean


def scene(draw: Draw, outliers: float) -> Scene:
    """Correlated channels, a K mean, `outliers` as the gain of three channel pairs."""
    size, tokens = draw.head_size, draw.vectors
    rope = Rope(size)
    mix = draw.gaussian(4, size) / math.sqrt(size) + 0.5 * torch.eye(size)
    gain = torch.ones(size)
    for channel in (5, 21, 40):
        gain[[channel % (size // 2), channel % (size // 2) + size // 2]] = outliers
    mean = draw.gaussian(5, 1)[0] * 2 * gain
    positions = torch.arange(tokens)
    keys = rope.rotate(draw.gaussian(6) @ mix * gain + mean, positions)
    queries = rope.rotate(draw.gaussian(7, 64) @ mix / gain * 1.5, torch.tensor(tokens - 1))
    return Scene(queries, keys, draw.gaussian(8) @ mix, KeyMean(mean, rope))


def attention(draw: Draw) -> Table:
    """What the output of attention loses: relative error, and KL of the attention weights."""
    rows = []
    for label, outliers in (("plain", 1.0), ("outliers", 8.0)):
        s = scene(draw, outliers)
        positions = torch.arange(len(s.keys))
        truth = (s.queries @ s.keys.T / math.sqrt(draw.head_size)).log_softmax(dim=1)
        output = truth.exp() @ s.values
        for each in contenders(draw.head_size, s.mean):
            slots = each.head.encode(s.keys, s.values, positions)
            keys, values = each.head.decode(slots, positions)
            logs = (s.queries @ keys.T / math.sqrt(draw.head_size)).log_softmax(dim=1)
            error = (logs.exp() @ values - output).norm() / output.norm()
            kl = (truth.exp() * (truth - logs)).sum(dim=1).mean()
            rows.append((each.name, label, each.head.size, float(error), float(kl)))
    columns = ("preset", "K", "bytes", "output error", "KL of weights")
    note = "tq presets know the K mean before RoPE; outliers: 3 channel pairs times 8"
    return Table("attention over synthetic K and V with RoPE", columns, tuple(rows), note)


def byte_counts() -> Table:
    """Bytes per token and KV head, and the ratio to bf16 with uncompressed layers counted."""
    rows = []
    for preset in (*TRELLIS, *NATIVE, *PLAIN):
        sizes = [_bytes(preset, size) for size in HEAD_SIZES]
        layers = [_mean_bytes(preset, count) for count in (32, 36, 80)]
        rows.append((preset.name, *sizes, *(512 / mean for mean in layers)))
    heads = (f"d={size}" for size in HEAD_SIZES)
    columns = ("preset", *heads, "ratio 32 layers", "36 layers", "80 layers")
    note = "ratios at d=128 to bf16 (512 B); vLLM keeps two layers at either end in bf16"
    return Table("bytes per token and KV head", columns, tuple(rows), note)


def _bytes(preset: object, size: int) -> int | str:
    if isinstance(preset, NativePreset):
        power = size & (size - 1) == 0 or preset in PLAIN
        return preset.bytes_per_token(size) if power else "-"
    return next(p for p in TRELLIS if p is preset).bytes_per_token(size)


def _mean_bytes(preset: object, layers: int) -> float:
    if isinstance(preset, NativePreset):
        return preset.mean_bytes_per_token(128, layers)
    return float(next(p for p in TRELLIS if p is preset).bytes_per_token(128))


def speed(draw: Draw) -> Table:
    """Tokens per second of CPU time and head of this reference."""
    x, y = draw.gaussian(9), draw.gaussian(10)
    positions = torch.arange(len(x))
    rows = []
    for each in contenders(draw.head_size):
        began = time.process_time()
        slots = each.head.encode(x, y, positions)
        middle = time.process_time()
        each.head.decode(slots, positions)
        ended = time.process_time()
        rows.append((each.name, int(len(x) / (middle - began)), int(len(x) / (ended - middle))))
    columns = ("preset", "encode tokens/s", "decode tokens/s")
    return Table("speed of the torch reference, one head", columns, tuple(rows))


def encoding_parts(draw: Draw) -> Table:
    """Where the encoder of `tq5x` spends its CPU time."""
    codec = even_vector(TQ5X.key_bytes(draw.head_size), TQ5X.key_eighths, draw.head_size, 0)
    x = draw.gaussian(11, BATCH)
    search = (codec.trellis.runs, codec.trellis.entries)
    rows: list[tuple[Cell, ...]] = []
    for count in (4, BATCH):
        part = x[:count].T.contiguous().numpy()
        costs = window_errors(part, *search, 1 << codec.trellis.memory)
        whole = _spent(partial(codec.encode, x[:count]))
        errors = _spent(partial(window_errors, part, *search, 1 << codec.trellis.memory))
        back = _spent(partial(traced_back, costs))
        found = _spent(partial(best_windows, part, *search, None))
        parts = (errors, found - errors - back, back, whole - found)
        rows.append((count, 1000 * whole, *(each / whole for each in parts)))
    columns = ("vectors", "ms", "squared errors", "forward pass", "trace back", "the rest")
    return Table("encoding at 3 bits: shares of CPU time", columns, tuple(rows))


def _spent(task: Callable[[], object], times: int = 5) -> float:
    """Least CPU seconds of a few calls."""
    found = []
    for _ in range(times):
        began = time.process_time()
        task()
        found.append(time.process_time() - began)
    return min(found)


def points(table: Table, names: Sequence[str]) -> list[tuple[str, float, float]]:
    """(name, bits, mse) of the K rows of a distortion table, for a plot."""
    return [
        (str(row[0]), float(row[3]), float(row[4]))
        for row in table.rows
        if row[1] == "K" and row[0] in names
    ]
