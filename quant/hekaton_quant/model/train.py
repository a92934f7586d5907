"""Train the benchmark's own small model: minutes on one CPU core, learned K and V statistics.

    python -m hekaton_quant.model.train FOLDER --seconds 600

Qwen2's shape (RoPE, grouped queries, QKV bias) with heads of 128. A part of each batch repeats a
span of itself, so that looking back is learned as well; a needle test needs more of it than that
(`hekaton_quant.model.recall`).
"""

import argparse
import itertools
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from hekaton_quant.model.bpe import learn_bpe
from hekaton_quant.model.config import ModelConfig, write_config
from hekaton_quant.model.corpus import library_texts
from hekaton_quant.model.muon import optimizers
from hekaton_quant.model.tokenizer import Tokenizer, write_tokenizer
from hekaton_quant.model.transformer import ExactCache, Transformer
from hekaton_quant.model.weights import write_tensors

LONGEST = 4096
"""Positions that the model's config states."""


@dataclass(frozen=True, slots=True)
class Course:
    """One training run."""

    seconds: float = 600.0
    """Wall time of the optimisation, after the text is tokenised."""
    seed: int = 0
    context: int = 512
    """Tokens per sequence; doubled in the last fifth of the time."""
    batch_tokens: int = 1500
    """Tokens per step."""
    peak_rate: float = 0.03
    """Highest learning rate of the matrices; embeddings, norms and biases take a fifth of it."""
    vocabulary: int = 512
    """Tokens; few, so that attention has to assemble words and is learned early."""
    copied: float = 0.25
    """Share of the sequences in which a span is repeated."""


def small_config(vocabulary: int) -> ModelConfig:
    """The shape of the benchmark's model."""
    return ModelConfig(
        architecture="Qwen2ForCausalLM",
        vocabulary=vocabulary,
        hidden=192,
        inner=512,
        layers=6,
        heads=4,
        kv_heads=2,
        head_size=128,
        rope_base=10_000.0,
        norm_epsilon=1e-6,
        bias=True,
        head_norm=False,
        tied=True,
    )


def library_ids(tokenizer: Tokenizer, held_out: bool, most: int) -> Tensor:
    """The first `most` token ids of one part of the standard library, files apart by a newline."""
    return text_ids(tokenizer, library_texts(held_out), most)


def text_ids(tokenizer: Tokenizer, texts: Iterable[str], most: int) -> Tensor:
    """The first `most` token ids of texts, one after the other."""
    ids: list[int] = []
    for text in texts:
        ids.extend(tokenizer.encode(text + "\n"))
        if len(ids) >= most:
            break
    return torch.tensor(ids[:most])


def _batches(ids: Tensor, course: Course, context: Callable[[], int]) -> Iterator[Tensor]:
    random = torch.Generator().manual_seed(course.seed)
    while True:
        length = context() + 1
        starts = torch.randint(
            len(ids) - length, (course.batch_tokens // length + 1,), generator=random
        )
        batch = torch.stack([ids[start : start + length] for start in starts])
        for row in batch:
            if torch.rand((), generator=random) < course.copied:
                _repeat_span(row, random)
        yield batch


def _repeat_span(row: Tensor, random: torch.Generator) -> None:
    """Copy a span of the first half of a row to a place in its second half."""
    half = len(row) // 2
    size = int(torch.randint(16, half // 2, (), generator=random))
    source = int(torch.randint(half - size, (), generator=random))
    target = half + int(torch.randint(half - size, (), generator=random))
    row[target : target + size] = row[source : source + size].clone()


def fresh_model(config: ModelConfig, seed: int) -> Transformer:
    """A seeded untrained model."""
    torch.manual_seed(seed)
    model = Transformer(config)
    for name, weight in model.named_parameters():
        if weight.dim() == 2:
            scale = 1 / math.sqrt(weight.shape[1])
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                scale /= math.sqrt(2 * config.layers)
            torch.nn.init.normal_(weight, std=0.02 if "embed" in name else scale)
        elif name.endswith("bias"):
            torch.nn.init.zeros_(weight)
    return model


def train(
    ids: Tensor, model: Transformer, course: Course, say: Callable[[str], None]
) -> Transformer:
    """Optimise a model for the course's wall time; the rate follows the clock."""
    model.train()
    both = optimizers(model, course.peak_rate)
    peaks = [group["lr"] for optimizer in both for group in optimizer.param_groups]
    began = time.monotonic()

    def passed() -> float:
        return (time.monotonic() - began) / course.seconds

    def context() -> int:
        return course.context * (2 if passed() > 0.8 else 1)

    for step, batch in enumerate(_batches(ids, course, context)):
        done = passed()
        if done >= 1:
            break
        share = min(1.0, (step + 1) / 20) * (0.03 + 0.97 * (1 - done))
        groups = [group for optimizer in both for group in optimizer.param_groups]
        for group, peak in zip(groups, peaks, strict=True):
            group["lr"] = peak * share
        logits = model(batch[:, :-1], ExactCache())
        loss = functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        torch.autograd.backward(loss)
        for optimizer in both:
            optimizer.step()
            optimizer.zero_grad()
        if step % 20 == 0:
            say(f"step {step}  {done:.0%}  loss {loss.item():.3f}")
    return model.eval()


def save_model(model: Transformer, folder: Path) -> None:
    """Write config.json and bf16 weights under their Hugging Face names."""
    write_config(model.config, folder, LONGEST)
    tensors = {}
    for name, weight in model.named_parameters():
        full = name if name.startswith("lm_head") else f"model.{name}"
        tensors[full] = weight.detach().to(torch.bfloat16)
    write_tensors(tensors, folder / "model.safetensors")


def make_model(folder: Path, course: Course, say: Callable[[str], None]) -> None:
    """Learn the tokenizer, train the model and write both as a Hugging Face folder."""
    tokenizer = learn_bpe(itertools.islice(library_texts(held_out=False), 150), course.vocabulary)
    write_tokenizer(tokenizer, folder)
    ids = library_ids(tokenizer, held_out=False, most=2_000_000)
    say(f"{len(ids)} tokens of text")
    fresh = fresh_model(small_config(len(tokenizer.vocabulary)), course.seed)
    _finish(train(ids, fresh, course, say), folder, course)


def _finish(model: Transformer, folder: Path, course: Course) -> None:
    save_model(model, folder)
    (folder / "course.json").write_text(json.dumps(asdict(course)) + "\n", encoding="utf-8")


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=Course().seconds)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--context", type=int, default=Course().context)
    parsed = parser.parse_args()
    course = Course(seconds=parsed.seconds, seed=parsed.seed, context=parsed.context)

    def say(line: str) -> None:
        print(line, flush=True)

    make_model(parsed.folder, course, say)


if __name__ == "__main__":
    main()
