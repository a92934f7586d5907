"""Promise: vLLM with packed K and V says what it must, and never something silently wrong.

`tq_exact` goes through all the plumbing without loss: its greedy tokens are those of vLLM's own
cache. `tq5x` is compared with the torch oracle, alone and in batches, with prefixes from the cache,
with requests that were preempted and resumed, and on inputs that are not numbers.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from vllm_cpu.asking import NEW, Answer, ask, rows, together
from vllm_cpu.serving import PACKED, VLLM, Server, environment, serving, total

BLOCK = 128
SLOTS = {"auto": 512, "tq_exact": 1024, "tq5x": 96}
"""Bytes of one token and KV head."""
LAYERS, HEADS = 3, 2
ALONE = rows([5, 127, 128, 129, 400])
"""Below, at and above the end of a block, and over several."""
MANY = rows([125] * 16, seed=8)
"""Sixteen that almost fill a block each, and need a second as they go on."""
JUDGED = rows([40, 260], seed=9)
BROKEN = 4095
"""The token whose embedding is not a number."""
FEW = 24
"""Blocks of the packed server: too few for sixteen such requests at once."""


@contextmanager
def started(folder: Path, dtype: str, blocks: int, *more: str) -> Iterator[Server]:
    own = folder / f"kv-{dtype}"
    own.mkdir()
    size = blocks * BLOCK * LAYERS * HEADS * SLOTS[dtype]
    flags = (
        "--enforce-eager",
        "--max-model-len=1024",
        "--max-num-seqs=16",
        "--enable-prompt-tokens-details",
    )
    cache = (f"--kv-cache-dtype={dtype}", f"--kv-cache-memory-bytes={size}")
    with serving(own, PACKED, (*flags, *cache, *more)) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Heard:
    """Answers of a server with 16-bit weights."""

    alone: list[Answer]
    again: list[Answer]
    many: list[Answer]
    log: str


def heard(folder: Path, dtype: str) -> Heard:
    with started(folder, dtype, 64) as server:
        alone, again = ([ask(server, row) for row in ALONE] for _ in range(2))
        return Heard(alone, again, together(server, MANY), server.said())


@pytest.fixture(scope="module")
def stock(folder: Path) -> Heard:
    return heard(folder, "auto")


@pytest.fixture(scope="module")
def exact(folder: Path) -> Heard:
    return heard(folder, "tq_exact")


@dataclass(frozen=True, slots=True)
class Packed:
    """Answers of a server with `tq5x` and 32-bit weights, so that rounding hides nothing."""

    alone: list[Answer]
    again: list[Answer]
    one_by_one: list[Answer]
    at_once: list[Answer]
    preempted: int
    judged: list[Answer]
    broken: list[Answer]
    after: Answer
    log: str


@pytest.fixture(scope="module")
def packed(folder: Path) -> Packed:
    with started(folder, "tq5x", FEW, "--dtype=float32") as server:
        alone, again = ([ask(server, row) for row in ALONE] for _ in range(2))
        one_by_one = [ask(server, row) for row in MANY]
        at_once = together(server, MANY)
        judged = [ask(server, row, probabilities=True) for row in JUDGED]
        inside = [*ALONE[1][:60], BROKEN, *ALONE[1][60:]]
        broken = [ask(server, inside), ask(server, [*ALONE[1], BROKEN])]
        with_metrics = server.metrics()
        return Packed(
            alone, again, one_by_one, at_once, total(with_metrics, "num_preemptions_total"),
            judged, broken, ask(server, ALONE[0]), server.said(),
        )  # fmt: skip


def oracle(name: str, many: list[list[int]]) -> list[dict[str, list[float]]]:
    """What this repository's own transformer says, in a process of its own."""
    words = [sys.executable, "-m", "hekaton_quant.model.score", str(PACKED), name]
    done = subprocess.run(words, input=json.dumps(many), capture_output=True, text=True, check=True)
    told: list[dict[str, list[float]]] = json.loads(done.stdout)
    return told


def tokens(answers: list[Answer]) -> list[tuple[int, ...]]:
    return [answer.tokens for answer in answers]


def test_the_exact_mode_gives_the_greedy_tokens_of_the_stock_cache(
    stock: Heard, exact: Heard
) -> None:
    assert tokens(exact.alone) == tokens(stock.alone)
    assert len({answer.tokens for answer in stock.alone}) == len(ALONE)


def test_the_exact_mode_gives_them_in_a_batch_of_16_and_from_cached_prefixes(
    stock: Heard, exact: Heard
) -> None:
    assert tokens(exact.again) == tokens(stock.again)
    assert [a.cached for a in exact.again] == [a.cached for a in stock.again] == [0, 0, 0, 128, 384]
    assert tokens(exact.many) == tokens(stock.many)


def test_vllm_itself_reports_more_tokens_in_the_same_bytes(
    packed: Packed, stock: Heard, figure: Callable[[str], None]
) -> None:
    assert f"KV cache size: {FEW * BLOCK:,} tokens" in packed.log
    assert f"KV cache size: {64 * BLOCK:,} tokens" in stock.log
    figure(f"tq5x: {FEW * BLOCK} KV tokens in the bytes of {FEW * BLOCK * 96 // 512} in 16 bits")


def test_packed_mode_says_what_the_oracle_says(
    packed: Packed, figure: Callable[[str], None]
) -> None:
    """Log-probabilities of the prompts, over all positions: what differs is float32's rounding."""
    ours, exact = oracle("tq5x", JUDGED), oracle("exact", JUDGED)

    def apart(a: list[float], b: list[float]) -> float:
        return sum(abs(x - y) for x, y in zip(a, b, strict=True)) / len(a)

    for answer, mine, plain in zip(packed.judged, ours, exact, strict=True):
        error, loss = apart([*answer.prompt], mine["own"]), apart(mine["own"], plain["own"])
        figure(
            f"tq5x, {len(mine['own']) + 1} tokens: {error:.5f} nats from the oracle; the code costs {loss:.5f}"
        )
        assert error < 0.05 * loss


def test_packed_mode_chooses_the_tokens_of_the_oracle(packed: Packed) -> None:
    whole = [[*row, *answer.tokens] for row, answer in zip(ALONE, packed.alone, strict=True)]
    for score in oracle("tq5x", whole):
        own, best = score["own"][-NEW:], score["best"][-NEW:]
        assert max(b - o for o, b in zip(own, best, strict=True)) < 0.02


def test_a_cached_prefix_gives_the_same_tokens(packed: Packed) -> None:
    assert [answer.cached for answer in packed.again] == [0, 0, 0, 128, 384]
    assert tokens(packed.again) == tokens(packed.alone)


def test_a_batch_of_16_with_preempted_requests_gives_the_same_tokens(
    packed: Packed, figure: Callable[[str], None]
) -> None:
    assert packed.preempted > 0
    same = sum(
        a == b for a, b in zip(tokens(packed.at_once), tokens(packed.one_by_one), strict=True)
    )
    figure(
        f"tq5x, 16 at once: {packed.preempted} preempted, {same} of 16 with the same tokens as alone"
    )
    assert same == len(MANY)


def test_a_token_that_is_not_a_number_harms_its_own_row_only(packed: Packed) -> None:
    inside, at_end = packed.broken
    assert len(inside.tokens) == len(at_end.tokens) == NEW
    assert len(set(inside.tokens)) > 1
    assert packed.after.tokens == packed.alone[0].tokens


def refusal(folder: Path, *flags: str) -> str:
    """What the command says before it ends; it must end by itself and fail."""
    done = subprocess.run(
        [VLLM, "serve", PACKED, "--port=1", *flags], cwd=folder, env=environment(folder),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_what_cannot_be_served_is_refused_with_all_reasons(folder: Path) -> None:
    drafts = '{"method": "ngram", "num_speculative_tokens": 2, "prompt_lookup_max": 3}'
    sliding = '{"use_sliding_window": true, "sliding_window": 64, "max_window_layers": 0, "layer_types": null}'
    said = refusal(
        folder, "--kv-cache-dtype=tq5x", "--block-size=48", "--tensor-parallel-size=2",
        f"--speculative-config={drafts}", f"--hf-overrides={sliding}",
    )  # fmt: skip
    assert "hekaton_quant cannot serve --kv-cache-dtype tq5x here" in said
    for reason in (
        "--block-size is 48",
        "--tensor-parallel-size 2",
        "Speculative decoding (ngram)",
        "A sliding window",
    ):
        assert reason in said


@pytest.mark.parametrize("name", ["int4_per_token_head", "int8_per_token_head"])
def test_a_dtype_that_would_corrupt_memory_on_a_cpu_is_refused(name: str, folder: Path) -> None:
    assert "corrupt memory" in refusal(folder, f"--kv-cache-dtype={name}")


def test_an_unknown_name_is_refused_with_the_known_ones(folder: Path) -> None:
    said = refusal(folder, "--kv-cache-dtype=tq9x")
    assert "invalid choice: 'tq9x'" in said
    assert "'tq4x', 'tq5x', 'tq6x', 'tq_exact'" in said
