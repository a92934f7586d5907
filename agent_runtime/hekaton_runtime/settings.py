"""What the environment says, read once at the door and passed down as values."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hekaton_runtime.errors import BadInput

LEASE = 15.0
PATIENCE = 60.0
WORKERS = 20


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server of the user's own."""

    host: str
    port: int = 5470
    """TCP port."""
    name: str = "hekaton"
    """Database."""
    user: str = "hekaton"
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    home: Path
    """Folder of missions, artifacts and the embedded database (HEKATON_HOME)."""
    server: Server | None = None
    """None: the embedded PostgreSQL under `home`."""
    base_url: str = ""
    """Endpoint that replaces those of `external` models (OPENAI_BASE_URL)."""
    key: str = field(default="", repr=False)
    """Its key (OPENAI_API_KEY)."""
    lease: float = LEASE
    """Seconds after which a silent conductor's mission may be taken over (HEKATON_LEASE)."""
    patience: float = PATIENCE
    """Seconds without the database after which a process gives up (HEKATON_DB_PATIENCE)."""
    workers: int = WORKERS
    """Model calls of a mission at once (MAX_CONCURRENT_WORKERS)."""


def from_environ(environ: Mapping[str, str] = os.environ) -> Settings:
    """Raises `BadInput` with every variable that cannot be used."""
    reasons: list[str] = []
    server = None
    if host := environ.get("HEKATON_DB_HOST"):
        port = environ.get("HEKATON_DB_PORT", "5470")
        if not port.isdigit() or not 0 < int(port) < 65536:
            reasons.append(
                f"HEKATON_DB_PORT: {port!r} is no TCP port. Give a number from 1 to 65535."
            )
        server = Server(
            host=host,
            port=int(port) if port.isdigit() else 0,
            name=environ.get("HEKATON_DB_NAME", "hekaton"),
            user=environ.get("HEKATON_DB_USER", "hekaton"),
            password=environ.get("HEKATON_DB_PASSWORD", ""),
        )
    base_url = environ.get("OPENAI_BASE_URL", "")
    if base_url and not base_url.startswith(("http://", "https://")):
        reasons.append(f"OPENAI_BASE_URL: {base_url!r} is no URL. Give http://HOST:PORT/v1.")
    lease = _seconds(environ, "HEKATON_LEASE", LEASE, reasons)
    patience = _seconds(environ, "HEKATON_DB_PATIENCE", PATIENCE, reasons)
    workers = environ.get("MAX_CONCURRENT_WORKERS") or str(WORKERS)
    if not workers.isdecimal() or not 1 <= int(workers) <= 1000:
        reasons.append(
            f"MAX_CONCURRENT_WORKERS: {workers!r} is out of range. Give a number from 1 to 1000."
        )
    if reasons:
        raise BadInput(reasons)
    home = Path(environ["HEKATON_HOME"]) if environ.get("HEKATON_HOME") else _home(environ)
    return Settings(
        home=home.absolute(),
        server=server,
        base_url=base_url,
        key=environ.get("OPENAI_API_KEY", ""),
        lease=lease,
        patience=patience,
        workers=int(workers),
    )


def _seconds(environ: Mapping[str, str], name: str, usual: float, reasons: list[str]) -> float:
    """From 1, below which a busy machine would give up on what is merely slow, to 3600."""
    text = environ.get(name) or str(usual)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        reasons.append(f"{name}: {text!r} is out of range. Give seconds from 1 to 3600.")
    return seconds


def _home(environ: Mapping[str, str]) -> Path:
    """Root's own home is closed to the user that PostgreSQL runs as; hence /var/lib for root."""
    if os.geteuid() == 0:
        return Path("/var/lib/hekaton")
    state = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "/tmp")) / ".local/state")
    return Path(state) / "hekaton"
