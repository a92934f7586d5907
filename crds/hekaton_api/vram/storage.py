"""How a KV dtype lays out one token of one KV head, and where it can be used. Pure.

`KvDtype.slot` is the one definition of these bytes; a test holds it equal to the codec's own.
"""

from dataclasses import dataclass

from hekaton_api.models import Engine
from hekaton_api.vram.shape import Shape

BF16 = "auto"


@dataclass(frozen=True, slots=True)
class KvDtype:
    """One value of kvCacheDtype."""

    name: str
    key_eighths: int
    """Bits for eight coordinates of K."""
    value_eighths: int
    """Bits for eight coordinates of V."""
    extra: int
    """Bytes beside the coordinates: norms, scales and zeros of K and V together."""
    boundary: int
    """Layers at either end that stay in 16 bits."""
    head_sizes: tuple[int, ...]
    """Head sizes that it has a layout for; empty means any."""
    plain: bool
    """Whether it is an ordinary number format, which every kind of attention can store."""
    engines: tuple[Engine, ...]
    cpu: bool
    """Whether it works without a GPU."""

    def slot(self, head_dim: int) -> int:
        """Bytes of K and V together for one token and KV head, an even number."""
        size = _up(head_dim * self.key_eighths, 64) + _up(head_dim * self.value_eighths, 64)
        size += self.extra
        return size + size % 2

    def row(self, width: int) -> int:
        """Bytes of one latent vector, which stands for K and V."""
        return _up(width * self.key_eighths, 64)

    def unfit(self, shape: Shape, engine: Engine, on_cpu: bool) -> tuple[str, ...]:
        """Every reason why this model cannot use it, none if it can."""
        found = []
        if engine not in self.engines:
            found.append(f"engine {engine} does not know it")
        if on_cpu and not self.cpu:
            found.append("without a GPU it would write past the end of the cache")
        if not self.plain and shape.latent is not None:
            found.append("it packs K and V heads, and this model's attention (MLA) has none")
        if not self.plain and shape.windowed_layers:
            found.append("it has no kernel for sliding-window attention")
        if self.head_sizes and shape.latent is None and shape.head_dim not in self.head_sizes:
            known = ", ".join(map(str, self.head_sizes))
            found.append(f"it has no layout for head size {shape.head_dim}; known: {known}")
        return tuple(found)


def _up(number: int, by: int) -> int:
    return -(-number // by)
