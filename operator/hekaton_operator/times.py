"""Instants as Kubernetes writes them (RFC 3339, whole seconds) and as seconds since 1970. Pure."""

from datetime import UTC, datetime


def stamp(now: float) -> str:
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text: str) -> float:
    """Seconds since 1970; 0 for nothing."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def day(now: float) -> int:
    """Number of the day of UTC."""
    return int(now // 86_400)
