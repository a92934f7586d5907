"""How git shows a key to a server: never on a command line, never in a file that outlives the call,
never to another host than the one that it is for.
"""

import base64
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from hekaton_runtime.workspace.git import network_environment

ANYBODY = "x-access-token"
"""User name beside a bare token: forges look at the token alone."""


@contextmanager
def access(url: str, protocol: str, key: str) -> Iterator[dict[str, str]]:
    """The variables with which git reaches a server. `key` is a token, USER:TOKEN or a private ssh key."""
    environ = network_environment() if protocol != "file" else {}
    if not key or protocol == "file":
        yield environ
        return
    if protocol == "https":
        yield {**environ, **_header(url, key)}
        return
    with tempfile.TemporaryDirectory(prefix="hekaton-") as folder:
        yield {**environ, "GIT_SSH_COMMAND": _ssh(Path(folder), key)}


def without(key: str, text: str) -> str:
    """A text that a server or git wrote, with nothing of the key in it."""
    for secret in filter(None, (key.strip(), _basic(key))):
        text = text.replace(secret, "***")
    return text


def _header(url: str, key: str) -> dict[str, str]:
    """Configuration by variables, for this server alone: a redirect elsewhere goes without it."""
    parts = urlsplit(url)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{parts.netloc}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {_basic(key)}",
    }


def _basic(key: str) -> str:
    pair = key.strip() if ":" in key else f"{ANYBODY}:{key.strip()}"
    return base64.b64encode(pair.encode()).decode()


def _ssh(folder: Path, key: str) -> str:
    """Whoever answers at first is trusted: a container knows no host from before."""
    file = folder / "key"
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(key.strip() + "\n")
    return (
        f"ssh -oBatchMode=yes -oIdentitiesOnly=yes -oIdentityFile={file}"
        f" -oStrictHostKeyChecking=accept-new -oUserKnownHostsFile={folder / 'hosts'}"
    )
