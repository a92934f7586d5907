"""Where tables go, and how text that a model or a command wrote is shown: without any power over the terminal."""

from rich.console import Console

from hekaton_runtime.report.words import visible

PIPED = 160  # columns where there is no terminal: enough for every column of ours


def clean(text: str) -> str:
    """Foreign text as it may be printed: no escape sequence, nothing unseen, no turned direction."""
    return visible(text, kept="\n\t")


def console() -> Console:
    """As wide as the terminal; without one, wide enough that nothing is cut."""
    wide = Console(highlight=False)
    return wide if wide.is_terminal else Console(highlight=False, width=PIPED)
