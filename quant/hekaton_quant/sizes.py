"""Bytes per token of every KV format, and the presets they belong to. No torch here.

The VRAM planner sizes a formation from these figures, and the codec lays its slots out by the same
functions, so that no second definition of a byte exists.
"""

from dataclasses import dataclass

from hekaton_quant.errors import UnknownPreset, Unsupported

HEAD_SIZES = (64, 96, 128, 256)
"""Head sizes that the trellis presets serve."""


@dataclass(frozen=True, slots=True)
class ExactSpan:
    """Tokens of a sequence that are kept in 16 bits as well: its first and its newest ones."""

    sink: int = 0
    """Tokens at the start of the sequence."""
    window: int = 0
    """Newest tokens, from the one being written backwards."""

    def extra_bytes(self, head_size: int, tokens: int) -> float:
        """Bytes per token that the exact copies add to a sequence of `tokens`."""
        kept = min(tokens, self.sink + self.window)
        return kept * 4 * head_size / tokens if tokens else 0.0


@dataclass(frozen=True, slots=True)
class TrellisPreset:
    """A trellis-coded preset; byte counts are for one token and KV head."""

    name: str
    key_eighths: int
    """Bits per eight K coordinates, the scale included."""
    value_eighths: int
    """Bits per eight V coordinates, the scale included."""
    exact: ExactSpan = ExactSpan()

    def key_bytes(self, head_size: int) -> int:
        """Bytes of one K vector with its scale."""
        return _checked(head_size) * self.key_eighths // 64

    def value_bytes(self, head_size: int) -> int:
        """Bytes of one V vector with its scale."""
        return _checked(head_size) * self.value_eighths // 64

    def bytes_per_token(self, head_size: int) -> int:
        """Bytes of K and V together: the slot size of the cache page."""
        return self.key_bytes(head_size) + self.value_bytes(head_size)

    def true_bytes_per_token(self, head_size: int, tokens: int) -> float:
        """Bytes per token of a sequence of `tokens`, its exact span included."""
        return self.bytes_per_token(head_size) + self.exact.extra_bytes(head_size, tokens)


@dataclass(frozen=True, slots=True)
class NativePreset:
    """One of vLLM's own `turboquant_*` dtypes, or a plain float cache, as a byte count."""

    name: str
    key_bits: int
    """Bits per K coordinate; 8 and 16 are floats without a norm."""
    value_bits: int
    """Bits per V coordinate."""
    norm_correction: bool = False
    """Whether the decoder divides each K codeword by its own length."""
    boundary_layers: int = 0
    """Layers at either end that vLLM leaves in bf16."""

    def key_bytes(self, head_size: int) -> int:
        """Bytes of one K vector; below 8 bits with an fp16 norm."""
        return _packed(head_size, self.key_bits) + (2 if self.key_bits < 8 else 0)

    def value_bytes(self, head_size: int) -> int:
        """Bytes of one V vector; below 8 bits with an fp16 scale and zero."""
        return _packed(head_size, self.value_bits) + (4 if self.value_bits < 8 else 0)

    def bytes_per_token(self, head_size: int) -> int:
        """Bytes of K and V together in a compressed layer."""
        return self.key_bytes(head_size) + self.value_bytes(head_size)

    def mean_bytes_per_token(self, head_size: int, layers: int) -> float:
        """Bytes per token and layer with the boundary layers counted in bf16."""
        plain = min(layers, 2 * self.boundary_layers)
        packed = (layers - plain) * self.bytes_per_token(head_size)
        return (packed + plain * 4 * head_size) / layers


def _packed(head_size: int, bits: int) -> int:
    return (head_size * bits + 7) // 8


def _checked(head_size: int) -> int:
    if head_size not in HEAD_SIZES:
        known = ", ".join(map(str, HEAD_SIZES))
        raise Unsupported([f"Head size {head_size!r} has no trellis layout; known: {known}."])
    return head_size


TQ6X = TrellisPreset("tq6x", key_eighths=20, value_eighths=20)
TQ5X = TrellisPreset("tq5x", key_eighths=24, value_eighths=24)
TQ4X = TrellisPreset("tq4x", key_eighths=32, value_eighths=32)
TRELLIS = (TQ6X, TQ5X, TQ4X)

NATIVE = (
    NativePreset("turboquant_k8v4", 8, 4, boundary_layers=2),
    NativePreset("turboquant_4bit_nc", 4, 4, norm_correction=True, boundary_layers=2),
    NativePreset("turboquant_k3v4_nc", 3, 4, norm_correction=True, boundary_layers=2),
    NativePreset("turboquant_3bit_nc", 3, 3, norm_correction=True, boundary_layers=2),
)
PLAIN = (NativePreset("bf16", 16, 16), NativePreset("fp8", 8, 8))

Preset = TrellisPreset | NativePreset


def preset(name: str) -> Preset:
    """Find a preset by name."""
    known: tuple[Preset, ...] = (*TRELLIS, *NATIVE, *PLAIN)
    for each in known:
        if each.name == name:
            return each
    raise UnknownPreset(f"No preset {name!r}; known: {', '.join(p.name for p in known)}.")
