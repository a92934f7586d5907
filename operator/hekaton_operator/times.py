"""Instants as Kubernetes writes them (RFC 3339, whole seconds) and as seconds since 1970. Pure."""

from datetime import UTC, datetime


def stamp(now: float) -> str:
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text: str) -> float:
    """Seconds since 1970; 0 for nothing."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def same_day(one: float, other: float) -> bool:
    """Whether both lie in one day of UTC."""
    return int(one // 86_400) == int(other // 86_400)
