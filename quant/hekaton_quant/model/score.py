"""What the harness's own transformer makes of token ids under a KV codec: the oracle for a server.

    python -m hekaton_quant.model.score FOLDER tq5x < rows.json > scores.json

rows.json: a list of lists of token ids. For each row the answer has, at every position but the
first, the log-probability of the row's token, the most likely token and its log-probability. The
codec is the one that the vLLM plugin takes for that name, and `exact` is the uncompressed cache.
"""

import json
import sys
from pathlib import Path

import torch

from hekaton_quant.codec import LayerCodec
from hekaton_quant.errors import QuantError
from hekaton_quant.model.codecs import bias_layers, native_layers
from hekaton_quant.model.evaluate import CodecCache
from hekaton_quant.model.transformer import Cache, ExactCache, Transformer, load_model
from hekaton_quant.sizes import TrellisPreset, preset


def cache_of(model: Transformer, name: str) -> Cache:
    """The cache of a name; a K bias of the weights is taken away where our preset is used."""
    if name == "exact":
        return ExactCache()
    chosen = preset(name)
    layers: list[LayerCodec | None]
    if isinstance(chosen, TrellisPreset):
        layers = [*bias_layers(chosen, model)]
    else:
        layers = native_layers(chosen, model, boundary=True)
    return CodecCache(layers)


@torch.no_grad()
def scores(model: Transformer, row: list[int], cache: Cache) -> dict[str, list[float]]:
    """Log-probabilities of one row's tokens, all from one pass over it."""
    ids = torch.tensor(row)
    logs = model(ids[None, :-1], cache)[0].log_softmax(dim=-1)
    best = logs.max(dim=-1)
    own = logs.gather(1, ids[1:, None])[:, 0]
    return {"own": own.tolist(), "token": best.indices.tolist(), "best": best.values.tolist()}


def main(words: list[str]) -> int:
    """Score the rows of standard input; 2 if that cannot be done."""
    if len(words) != 2:
        print("Give a model folder and the name of a KV codec.", file=sys.stderr)
        return 2
    try:
        model = load_model(Path(words[0]))
        cache_of(model, words[1])  # an unknown name is told before anything is read
        answer = [scores(model, row, cache_of(model, words[1])) for row in json.load(sys.stdin)]
    except QuantError as error:
        print(error, file=sys.stderr)
        return 2
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
