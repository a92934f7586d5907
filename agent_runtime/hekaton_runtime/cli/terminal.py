"""Where tables go."""

from rich.console import Console

PIPED = 160  # columns where there is no terminal: enough for every column of ours


def console() -> Console:
    """As wide as the terminal; without one, wide enough that nothing is cut."""
    wide = Console(highlight=False)
    return wide if wide.is_terminal else Console(highlight=False, width=PIPED)
