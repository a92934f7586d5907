"""Units of memory, and how sizes are written. Pure."""

MIB = 1 << 20
GIB = 1 << 30
GB = 10**9


def gib(size: int) -> float:
    """Bytes as GiB, to a thousandth, for a status."""
    return round(size / GIB, 3)


def shown(size: int) -> str:
    """Bytes as people compare them: GB of 10^9, one decimal."""
    return f"{size / GB:.1f} GB"
