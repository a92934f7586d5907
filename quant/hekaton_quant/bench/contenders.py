"""Who is compared: our presets, vLLM's, the paper's, plain floats, all as codecs of one head."""

from dataclasses import dataclass

from hekaton_quant.codec import HeadCodec, KeyMean, trellis_head
from hekaton_quant.native import native_head
from hekaton_quant.paper import PaperMse, PaperProd
from hekaton_quant.sizes import NATIVE, PLAIN, TRELLIS


@dataclass(frozen=True, slots=True)
class Contender:
    """A name and what it does to one head."""

    name: str
    head: HeadCodec


def contenders(head_size: int, key_mean: KeyMean | None = None) -> list[Contender]:
    """Everyone at one head size; vLLM's presets need a power of two.

    key_mean: what our presets may take from K beforehand; no peer has such a step.
    """
    ours = [Contender(p.name, trellis_head(p, head_size, key_mean)) for p in TRELLIS]
    natives = [*NATIVE, *PLAIN] if head_size & (head_size - 1) == 0 else [*PLAIN]
    peers = [Contender(p.name, native_head(p, head_size)) for p in natives]
    papers = []
    for bits in (2, 3, 4):
        mse = PaperMse(head_size, bits)
        papers.append(Contender(f"paper_mse{bits}", HeadCodec(mse, mse)))
    for bits in (3, 4):
        prod = PaperProd(head_size, bits)
        papers.append(Contender(f"paper_prod{bits}", HeadCodec(prod, prod)))
    return [*ours, *peers, *papers]
