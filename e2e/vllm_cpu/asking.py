"""Questions in token ids, and what a server answers to them."""

import json
import random
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from vllm_cpu.serving import NAME, Server

NEW = 8
"""Tokens that each answer has."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server made of one row."""

    tokens: tuple[int, ...]
    """Its greedy tokens."""
    cached: int
    """Tokens of the prompt that it had in its prefix cache."""
    prompt: tuple[float, ...]
    """Log-probability of each token of the prompt but the first, where they were asked for."""


def rows(lengths: Sequence[int], seed: int = 7) -> list[list[int]]:
    """Prompts of random tokens; the first few and the last of the vocabulary are special."""
    draw = random.Random(seed)
    return [[draw.randrange(5, 4000) for _ in range(length)] for length in lengths]


def ask(server: Server, row: Sequence[int], probabilities: bool = False) -> Answer:
    """Ask for greedy tokens, and for what it thinks of the prompt itself."""
    body = {"model": NAME, "prompt": list(row), "max_tokens": NEW, "temperature": 0}
    body |= {"ignore_eos": True, "return_token_ids": True}
    body |= {"prompt_logprobs": 0} if probabilities else {}
    request = urllib.request.Request(
        f"{server.url}/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=600) as said:
        told = json.load(said)
    (choice,) = told["choices"]
    details = told["usage"].get("prompt_tokens_details") or {}
    seen = (choice.get("prompt_logprobs") or [None])[1:]
    found = tuple(
        one[str(token)]["logprob"] for one, token in zip(seen, row[1:], strict=probabilities)
    )
    return Answer(tuple(choice["token_ids"]), details.get("cached_tokens") or 0, found)


def together(server: Server, many: Sequence[Sequence[int]]) -> list[Answer]:
    """Ask all at the same time."""
    with ThreadPoolExecutor(len(many)) as pool:
        return list(pool.map(lambda row: ask(server, row), many))
