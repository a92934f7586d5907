"""Train a small model that copies what it saw once, far back: the one that needles are put to.

    python -m hekaton_quant.model.recall FOLDER

The text model learns the words of Python in its minutes and no copying. Here rows are random tokens
and then pieces of them in another order, so that nothing but looking back tells what comes next;
rows grow as soon as the model copies at their length. Two layers of Qwen2's shape (RoPE of base 10^6,
grouped queries, QKV bias, heads of 128) learn it in minutes on one CPU core.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from hekaton_quant.model.bpe import learn_bpe
from hekaton_quant.model.config import ModelConfig
from hekaton_quant.model.corpus import library_texts
from hekaton_quant.model.muon import optimizers
from hekaton_quant.model.tokenizer import write_tokenizer
from hekaton_quant.model.train import fresh_model, save_model, small_config
from hekaton_quant.model.transformer import ExactCache, Transformer

_PIECES = (6, 13)
"""Tokens of a piece, fewest and most: so short that no distance is more likely than another, or the
model learns the distance and has to begin anew as soon as rows grow."""
_CUE = 1
"""Tokens of a piece that cannot be known, so that nothing is learned from them."""
_GROW = 0.85
"""Share copied, on average over the last steps, from which on rows grow by half."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One training run."""

    seconds: float = 400.0
    """CPU time of the optimisation: a busy machine takes longer and makes the same model."""
    seed: int = 0
    shortest: int = 48
    """Tokens of the first rows."""
    longest: int = 768
    """Tokens of the last rows; each step draws a length from two thirds of the present one on."""
    batch_tokens: int = 1536
    """Tokens per step."""
    peak_rate: float = 0.02
    """Highest learning rate of the matrices."""
    vocabulary: int = 512


def recall_config(vocabulary: int) -> ModelConfig:
    """The shape of the copying model."""
    small = replace(small_config(vocabulary), hidden=128, inner=128, layers=2, heads=2, kv_heads=1)
    return replace(small, rope_base=1_000_000.0)


def drill_rows(
    vocabulary: int, length: int, count: int, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(count, length) ids, and which of them can only be known by looking back."""
    half = length // 2
    rows = torch.randint(vocabulary, (count, length), generator=random)
    asked = torch.zeros(count, length, dtype=torch.bool)
    for row, mask in zip(rows, asked, strict=True):
        size = int(torch.randint(_PIECES[0], min(_PIECES[1], half) + 1, (), generator=random))
        pieces = row[: half // size * size].view(-1, size)
        order = torch.randperm(len(pieces), generator=random)
        again = slice(half, half + pieces.numel())
        row[again] = pieces[order].flatten()
        mask[again] = torch.arange(pieces.numel()) % size >= _CUE
    return rows, asked


def train_recall(model: Transformer, drill: Drill, say: Callable[[str], None]) -> Transformer:
    """Optimise a model for the drill's CPU time; the rate follows the clock."""
    model.train()
    both = optimizers(model, drill.peak_rate)
    groups = [group for optimizer in both for group in optimizer.param_groups]
    peaks = [group["lr"] for group in groups]
    random = torch.Generator().manual_seed(drill.seed)
    length, copied = drill.shortest, 0.0
    began = time.process_time()
    for step in itertools.count():
        done = (time.process_time() - began) / drill.seconds
        if done >= 1:
            break
        for group, peak in zip(groups, peaks, strict=True):
            group["lr"] = peak * min(1.0, (step + 1) / 30) * (0.03 + 0.97 * (1 - done))
        drawn = int(torch.randint(length * 2 // 3, length + 1, (), generator=random))
        count = max(1, drill.batch_tokens // drawn)
        rows, asked = drill_rows(model.config.vocabulary, drawn + 1, count, random)
        guesses, wanted = _answers(model, rows, asked)
        loss = functional.cross_entropy(guesses, wanted)
        torch.autograd.backward(loss)
        for optimizer in both:
            optimizer.step()
            optimizer.zero_grad()
        right = float((guesses.argmax(dim=-1) == wanted).float().mean())
        copied = 0.95 * copied + 0.05 * right
        if step % 50 == 0:
            say(f"step {step}  {done:.0%}  rows of {length}  loss {loss.item():.3f}  {copied:.0%}")
        if copied > _GROW and length < drill.longest:
            length, copied = min(length * 3 // 2, drill.longest), 0.7
    return model.eval()


def _answers(model: Transformer, rows: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
    """Logits before each asked token, and the tokens themselves."""
    wanted = asked[:, 1:]
    return model(rows[:, :-1], ExactCache())[wanted], rows[:, 1:][wanted]


def make_recaller(folder: Path, drill: Drill, say: Callable[[str], None]) -> None:
    """Learn a tokenizer, train the model and write both as a Hugging Face folder."""
    tokenizer = learn_bpe(itertools.islice(library_texts(held_out=False), 150), drill.vocabulary)
    write_tokenizer(tokenizer, folder)
    fresh = fresh_model(recall_config(len(tokenizer.vocabulary)), drill.seed)
    # At the usual 0.02 tokens are too alike for a head to tell apart, and copying forms later.
    torch.nn.init.normal_(fresh.embed_tokens.weight, std=0.1)
    save_model(train_recall(fresh, drill, say), folder)


def main(words: Sequence[str] | None = None) -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(prog="python -m hekaton_quant.model.recall")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=Drill().seconds, help="of CPU time")
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args(words)
    drill = Drill(seconds=parsed.seconds, seed=parsed.seed)
    make_recaller(parsed.folder, drill, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
