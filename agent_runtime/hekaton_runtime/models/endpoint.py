"""The settings of a client, and the base URL that people write in several ways. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from hekaton_runtime.errors import BadInput

_VERSION = re.compile(r"/v\d+\w*(/|$)")


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Patience and bounds of one client."""

    connect_seconds: float = 10.0
    """Until the connection, TLS included, stands."""
    first_byte_seconds: float = 300.0
    """Longest silence: before the first byte and between two; a busy server queues for long."""
    total_seconds: float = 1800.0
    """One attempt from connecting to its last byte."""
    attempts: int = 5
    """Tries in all, while nothing was billed."""
    backoff_seconds: float = 0.5
    """Scale of the first wait; each further one may be twice as long, with full jitter."""
    backoff_limit_seconds: float = 30.0
    """Longest wait between two tries, also when Retry-After asks for more."""
    concurrency: int = 64
    """Calls under way at once; further ones wait here and not in the server's queue."""
    body_limit: int = 8 * 1024 * 1024
    """Bytes of one answer, after which the server is taken to be out of its mind."""

    def __post_init__(self) -> None:
        positive = (
            ("connect_seconds", self.connect_seconds),
            ("first_byte_seconds", self.first_byte_seconds),
            ("total_seconds", self.total_seconds),
            ("attempts", self.attempts),
            ("concurrency", self.concurrency),
            ("body_limit", self.body_limit),
        )
        reasons = [
            f"{name} is {value!r}; give more than 0." for name, value in positive if value <= 0
        ]
        for name, least in (
            ("backoff_seconds", self.backoff_seconds),
            ("backoff_limit_seconds", self.backoff_limit_seconds),
        ):
            if least < 0:
                reasons.append(f"{name} is {least!r}; give 0 or more.")
        if reasons:
            raise BadInput(reasons)


def api_root(base_url: str) -> str:
    """Turn a base URL into the root that `/chat/completions` hangs below.

    `/v1` is appended unless the path names a version already (`/v1`, `/v1beta/openai`, ...).
    """
    url = base_url.strip().rstrip("/").removesuffix("/chat/completions").rstrip("/")
    if reasons := _why_not(url):
        raise BadInput(reasons)
    return url if _VERSION.search(urlsplit(url).path) else f"{url}/v1"


def _why_not(url: str) -> list[str]:
    remedy = "give one like http://127.0.0.1:8000/v1."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as fault:
        return [f"The base URL cannot be read ({fault}); {remedy}"]
    if "@" in parts.netloc:
        return [f"The base URL of {host!r} holds a user or password; give the key by its variable."]
    reasons = []
    if parts.scheme not in ("http", "https") or not host:
        reasons.append(f"The base URL {url!r} is no http or https address; {remedy}")
    if parts.query or parts.fragment:
        reasons.append(f"The base URL of {host!r} has a query or fragment; {remedy}")
    if not url.isascii() or not url.isprintable() or " " in url:
        reasons.append(f"The base URL {url!r} holds characters no URL may hold; {remedy}")
    return reasons


def why_not_key(key: str) -> list[str]:
    """Say why a key cannot be sent in a header, without showing it."""
    if key and key.isascii() and key.isprintable() and " " not in key:
        return []
    return [
        "The API key is empty or holds spaces, line breaks or characters beyond ASCII; "
        "set its variable to the bare key."
    ]
