"""A byte-level BPE tokenizer that reads a Hugging Face `tokenizer.json` with the standard library.

The pre-tokenizer is Qwen2's pattern with `\\p{L}` and `\\p{N}` spelled for `re`: on ordinary text
the pieces are the same; where they differ, the text still round-trips.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hekaton_quant.errors import Unsupported

PIECES = re.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    r"|(?:[^\r\n\w]|_)?[^\W\d_]+"
    r"|\d"
    r"| ?(?:[^\s\w]|_)+[\r\n]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+"
)


def _byte_letters() -> list[str]:
    """The printable letter that stands for each byte in GPT-2 style vocabularies."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in plain}
    rest = (byte for byte in range(256) if byte not in letters)
    letters.update({byte: chr(256 + place) for place, byte in enumerate(rest)})
    return [letters[byte] for byte in range(256)]


LETTERS = _byte_letters()


@dataclass(frozen=True)
class Tokenizer:
    """Text to token ids and back. `merges` are in order of rank; `vocabulary` by id."""

    vocabulary: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]
    _ids: dict[str, int] = field(init=False, repr=False)
    _ranks: dict[tuple[str, str], int] = field(init=False, repr=False)
    _known: dict[str, tuple[int, ...]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {word: i for i, word in enumerate(self.vocabulary)})
        object.__setattr__(self, "_ranks", {pair: i for i, pair in enumerate(self.merges)})

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special tokens."""
        ids: list[int] = []
        for piece in PIECES.findall(text):
            found = self._known.get(piece)
            if found is None:
                found = self._known[piece] = self._merge(piece)
            ids.extend(found)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; bytes that are no UTF-8 are replaced."""
        values = {letter: byte for byte, letter in enumerate(LETTERS)}
        letters = "".join(self.vocabulary[i] for i in ids)
        return bytes(values[c] for c in letters if c in values).decode("utf-8", "replace")

    def _merge(self, piece: str) -> tuple[int, ...]:
        parts = [LETTERS[byte] for byte in piece.encode()]
        while len(parts) > 1:
            pairs = [(self._ranks.get(pair, len(self._ranks)), i) for i, pair in _pairs(parts)]
            rank, at = min(pairs)
            if rank == len(self._ranks):
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return tuple(self._ids[part] for part in parts)


def _pairs(parts: Sequence[str]) -> Iterable[tuple[int, tuple[str, str]]]:
    return ((i, (parts[i], parts[i + 1])) for i in range(len(parts) - 1))


def read_tokenizer(folder: Path) -> Tokenizer:
    """Read `tokenizer.json`, which must hold a byte-level BPE."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise Unsupported([f"{path} does not exist; the harness needs a byte-level BPE."])
    raw = json.loads(path.read_text(encoding="utf-8"))
    model = raw["model"]
    if model.get("type") != "BPE":
        raise Unsupported([f"{path}: model type {model.get('type')!r} is not BPE."])
    ids = dict(model["vocab"])
    ids.update({added["content"]: added["id"] for added in raw.get("added_tokens", ())})
    if missing := [letter for letter in LETTERS if letter not in ids]:
        raise Unsupported([f"{path}: {len(missing)} bytes have no token; it is not byte-level."])
    size = max(ids.values()) + 1
    words = [""] * size
    for word, i in ids.items():
        words[i] = word
    pairs = (m if isinstance(m, list) else m.split(" ") for m in model["merges"])
    return Tokenizer(tuple(words), tuple((left, right) for left, right in pairs))


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write the `tokenizer.json` that `read_tokenizer` and the tokenizers library read."""
    split = {
        "type": "Split",
        "pattern": {"Regex": PIECES.pattern},
        "behavior": "Isolated",
        "invert": False,
    }
    raw: dict[str, object] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                split,
                {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
            ],
        },
        "post_processor": None,
        "decoder": {"type": "ByteLevel"},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "vocab": {word: i for i, word in enumerate(tokenizer.vocabulary)},
            "merges": [" ".join(pair) for pair in tokenizer.merges],
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(raw), encoding="utf-8")
    card = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 1 << 20}
    (folder / "tokenizer_config.json").write_text(json.dumps(card), encoding="utf-8")
