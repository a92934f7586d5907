"""vLLM's own KV formats as codecs, so that all are measured on the same tensors.

The slot layout and the arithmetic follow vLLM 0.32's store kernel byte for byte; a test target
runs that kernel in Triton's interpreter beside this module.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from hekaton_quant.codec import HeadCodec
from hekaton_quant.floats import FloatVector, bytes_float, float_bytes
from hekaton_quant.lloydmax import nearest, vllm_codebook
from hekaton_quant.packing import pack_low_first, unpack_low_first
from hekaton_quant.rotation import hadamard
from hekaton_quant.sizes import NativePreset
from hekaton_quant.vector import VectorCodec, sanitised


@dataclass(frozen=True, slots=True)
class NativeKey:
    """Normalise, plain Hadamard, Lloyd-Max levels, fp16 norm; unit-length codewords if `nc`."""

    head_size: int
    bits: int
    norm_correction: bool

    @property
    def size(self) -> int:
        return (self.head_size * self.bits + 7) // 8 + 2

    def encode(self, x: Tensor) -> Tensor:
        """x: (n, head_size) float -> (n, size) uint8."""
        x = sanitised(x, self.head_size)
        norms = x.norm(dim=1, keepdim=True)
        y = (x / (norms + 1e-8)) @ hadamard(self.head_size).to(torch.float32)
        places = nearest(vllm_codebook(self.head_size, self.bits), y)
        packed = pack_low_first(places, self.bits)
        return torch.cat((packed, float_bytes(norms, torch.float16)), dim=1)

    def decode(self, slots: Tensor) -> Tensor:
        """slots: (n, size) uint8 -> (n, head_size) float32."""
        places = unpack_low_first(slots[:, :-2], self.bits, self.head_size)
        y = vllm_codebook(self.head_size, self.bits)[places]
        if self.norm_correction:
            y = y / (y.square().sum(dim=1, keepdim=True) + 1e-16).sqrt()
        x = y @ hadamard(self.head_size).to(torch.float32)
        return x * bytes_float(slots[:, -2:], torch.float16)


@dataclass(frozen=True, slots=True)
class NativeValue:
    """Uniform levels between the vector's least and greatest entry; fp16 step and least entry."""

    head_size: int
    bits: int

    @property
    def size(self) -> int:
        return (self.head_size * self.bits + 7) // 8 + 4

    def encode(self, x: Tensor) -> Tensor:
        """x: (n, head_size) float -> (n, size) uint8."""
        x = sanitised(x, self.head_size)
        low, high = x.amin(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)
        most = (1 << self.bits) - 1
        step = ((high - low) / most).clamp_min(1e-8)
        places = ((x - low) / step + 0.5).to(torch.int64).clamp(0, most)
        tail = float_bytes(torch.cat((step, low), dim=1), torch.float16)
        return torch.cat((pack_low_first(places, self.bits), tail), dim=1)

    def decode(self, slots: Tensor) -> Tensor:
        """slots: (n, size) uint8 -> (n, head_size) float32."""
        places = unpack_low_first(slots[:, :-4], self.bits, self.head_size)
        tail = bytes_float(slots[:, -4:], torch.float16)
        return places.to(torch.float32) * tail[:, :1] + tail[:, 1:]


def native_head(preset: NativePreset, head_size: int) -> HeadCodec:
    """A native preset or a plain float cache as the codec of one head."""
    keys: VectorCodec
    values: VectorCodec
    if preset.key_bits < 8:
        keys = NativeKey(head_size, preset.key_bits, preset.norm_correction)
    else:
        keys = _plain(head_size, preset.key_bits)
    if preset.value_bits < 8:
        values = NativeValue(head_size, preset.value_bits)
    else:
        values = _plain(head_size, preset.value_bits)
    return HeadCodec(keys, values)


def _plain(head_size: int, bits: int) -> FloatVector:
    return FloatVector(head_size, torch.bfloat16 if bits == 16 else torch.float8_e4m3fn)
