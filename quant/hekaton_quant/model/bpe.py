"""Learn a byte-level BPE from text, so that the benchmark's own model needs no download."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from hekaton_quant.model.tokenizer import LETTERS, PIECES, Tokenizer

Pair = tuple[str, str]


def learn_bpe(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn a vocabulary of `size` tokens; ties fall to the lexically smallest pair."""
    counts = Counter(piece for text in texts for piece in PIECES.findall(text))
    words = [[LETTERS[byte] for byte in piece.encode()] for piece in counts]
    weights = list(counts.values())
    pairs: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    for i, word in enumerate(words):
        _count(word, weights[i], i, pairs, where)
    merges: list[Pair] = []
    while len(LETTERS) + len(merges) < size and pairs:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] < 2:
            break
        merges.append(best)
        for i in where.pop(best):
            _count(words[i], -weights[i], i, pairs, where)
            words[i] = _joined(words[i], best)
            _count(words[i], weights[i], i, pairs, where)
        pairs.pop(best, None)
    return Tokenizer((*LETTERS, *(left + right for left, right in merges)), tuple(merges))


def _count(
    word: list[str], weight: int, i: int, pairs: Counter[Pair], where: defaultdict[Pair, set[int]]
) -> None:
    for pair in zip(word, word[1:], strict=False):
        pairs[pair] += weight
        if weight > 0:
            where[pair].add(i)


def _joined(word: list[str], pair: Pair) -> list[str]:
    out: list[str] = []
    i = 0
    while i < len(word):
        if tuple(word[i : i + 2]) == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out
