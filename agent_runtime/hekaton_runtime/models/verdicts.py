"""What an endpoint's reply means: a completion, a charged failure, a refusal, or worth another try.

Pure: statuses and bodies in, values and errors out. `openai.py` does the talking.
"""

import re
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec

from hekaton_runtime.models.bound import estimate, utf8_bytes
from hekaton_runtime.models.protocol import Billed, Completion, CompletionRequest
from hekaton_runtime.models.text import unwrap
from hekaton_runtime.models.wire import Dialect, Feature, Reply
from hekaton_runtime.results import Usage

LONGEST_SAID = 500
"""Characters of a server's own words that an error shows."""
_WHOLE = frozenset({"stop", "eos_token", "stop_sequence"})
"""The `finish_reason`s of an answer that ended by itself."""
_FEATURES: tuple[tuple[Feature, re.Pattern[str]], ...] = (
    ("stream_usage", re.compile(r"stream_options|include_usage", re.I)),
    ("json_schema", re.compile(r"response_format|json_schema|guided|structured", re.I)),
)
_REMEDIES = {
    400: "Change the request as the server says.",
    401: "Set the endpoint's key variable to a valid key: OPENAI_API_KEY for --base-url, else the"
    " one that credentials.env names.",
    402: "The account has no credit left: top it up or use another endpoint.",
    403: "Use a key that may use this model, or another model.",
    404: "Check the base URL and the model's name.",
    413: "Shorten the prompt.",
    422: "Change the request as the server says.",
    429: "Wait, lower the number of agents, or raise the endpoint's rate limit.",
}


def judged(reply: Reply, request: CompletionRequest, seconds: float) -> Completion:
    """Turn a reply that ended properly into a completion; raises `Billed` if it is no use."""
    usage = reply.usage or _estimated(reply, request)
    if reply.finish == "length":
        raise Billed(
            f"Model {request.model!r} stopped at its limit after {usage.completion_tokens} tokens "
            f"(max_tokens {request.max_tokens}); raise maxTokens or ask for less.",
            usage,
            "truncated",
        )
    if reply.finish not in _WHOLE:
        raise Billed(
            f"Model {request.model!r} ended with finish_reason {reply.finish[:80]!r} instead of "
            "'stop'; ask again.",
            usage,
            "invalid",
        )
    text = reply.text if request.answer is None else unwrap(reply.text)
    if not text.strip():
        raise Billed(
            f"Model {request.model!r} gave no content; ask again.",
            usage,
            "invalid",
        )
    if request.answer is not None and (fault := _not_json(text)):
        raise Billed(
            f"Model {request.model!r} gave no JSON for {request.answer.name!r} ({fault}); "
            "ask again, or use a model that follows JSON schemas.",
            usage,
            "invalid",
        )
    return Completion(text=text, usage=usage, model=reply.model or request.model, seconds=seconds)


def _not_json(text: str) -> str:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError) as fault:
        return str(fault)
    return ""


def _estimated(reply: Reply, request: CompletionRequest) -> Usage:
    """Guess what the server did not count, never above what was reserved."""
    contents = sum(utf8_bytes(message.content) for message in request.messages)
    shape = len(msgspec.json.encode(request.answer)) if request.answer is not None else 0
    said = estimate(utf8_bytes(reply.text) + reply.unseen_bytes)
    return Usage(
        prompt_tokens=estimate(contents + shape),
        completion_tokens=min(said, request.max_tokens),
        estimated=True,
    )


def worth_another_try(status: int) -> bool:
    """Tell whether a refusal is temporary; nothing of a completion came with it."""
    return status in (408, 429) or status >= 500


def remedy(status: int) -> str:
    """Say what to do about a refusal."""
    if status >= 500 or status == 408:
        return "Look at the endpoint's own log, then run again."
    if 300 <= status < 400:
        return "Use the address that the endpoint redirects to as base URL."
    return _REMEDIES.get(status, "Change the request as the server says.")


def phrase(status: int) -> str:
    """Name a status as people know it: `429 Too Many Requests`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def refused_feature(status: int, said: str, dialect: Dialect, *, asked: bool) -> Feature | None:
    """Name the optional part of the request that the server does not take, if that is its reason."""
    if status not in (400, 422):
        return None
    used = {"stream_usage": dialect.stream_usage, "json_schema": dialect.json_schema and asked}
    for feature, words in _FEATURES:
        if used[feature] and words.search(said):
            return feature
    return None


def server_words(body: bytes, clean: Callable[[str], str]) -> str:
    """Find the server's own message in an error body: cleaned, on one line, bounded."""
    text = _message(body) or body.decode("utf-8", "replace")
    printable = "".join(c if c.isprintable() else " " for c in clean(text))
    said = " ".join(printable.split())
    return said if len(said) <= LONGEST_SAID else said[: LONGEST_SAID - 1] + "…"


def _message(body: bytes) -> str:
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    for name in ("error", "message", "detail"):
        if isinstance(value, dict) and value.get(name):
            value = value[name]
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def pause_asked(header: str | None, now: float) -> float:
    """Read Retry-After, seconds or a date, as seconds from `now`; 0 where it says nothing."""
    if not header:
        return 0.0
    word = header.strip()
    if word.isascii() and word.replace(".", "", 1).isdigit():
        return float(word)
    try:
        when = parsedate_to_datetime(word)
    except ValueError:
        return 0.0
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, aware.timestamp() - now)
