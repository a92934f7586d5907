"""What a person sees while a mission runs: a live board on a terminal, plain lines elsewhere."""

import json
import sys
import time
from dataclasses import dataclass, field, replace

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hekaton_runtime.conductor.events import (
    Asking,
    Ended,
    Event,
    Executed,
    Joined,
    Progress,
    Replied,
    Waiting,
)
from hekaton_runtime.report.words import visible

PHASES = ("discover", "debate", "scaffold", "architect", "build", "verify", "audit")
KEPT = 8  # last lines shown


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the live view shows; a pure fold of events."""

    title: str
    cap_tokens: int
    cap_micros: int
    phase: str = ""
    round: int = 0
    wave: int = 0
    tasks_done: int = 0
    tasks_total: int = 0
    tokens: int = 0
    micros: int = 0
    asking: tuple[str, ...] = ()
    lines: tuple[str, ...] = field(default=())

    def after(self, event: Event) -> "Board":
        """The board once this has happened."""
        board = replace(self, lines=(*self.lines, line(event))[-KEPT:])
        match event:
            case Progress():
                return replace(
                    board,
                    phase=event.phase,
                    round=max(event.round, 0) or self.round,
                    wave=max(event.wave, 0) or self.wave,
                    tasks_done=self.tasks_done if event.tasks_done < 0 else event.tasks_done,
                    tasks_total=self.tasks_total if event.tasks_total < 0 else event.tasks_total,
                )
            case Asking(agent=agent):
                return replace(board, asking=(*self.asking, agent))
            case Replied(agent=agent, tokens=tokens, micros=micros):
                left = list(self.asking)
                if agent in left:
                    left.remove(agent)
                return replace(
                    board,
                    asking=tuple(left),
                    tokens=self.tokens + tokens,
                    micros=self.micros + micros,
                )
            case _:
                return board


def line(event: Event) -> str:
    """One event in words, on one line."""
    return visible(_words(event))


def _words(event: Event) -> str:
    match event:
        case Progress(phase=phase, text=text):
            return f"{phase.upper()} {text}".strip()
        case Asking(agent=agent, step=step, tokens=tokens):
            return f"ask {agent}: {step} (up to {tokens} tokens reserved)"
        case Replied(
            agent=agent, step=step, fault="", tokens=tokens, micros=micros, seconds=seconds
        ):
            return (
                f"{agent}: {step} answered in {seconds:.1f} s, {tokens} tokens, ${micros / 1e6:.6f}"
            )
        case Replied(agent=agent, step=step, fault=fault):
            return f"{agent}: {step} gave no usable answer: {fault}"
        case Executed(branch=branch, command=command, passed=passed, seconds=seconds):
            return f"{'pass' if passed else 'FAIL'} on {branch}: {command} ({seconds:.1f} s)"
        case Joined(source=source, into=into, why=""):
            return f"merged {source} into {into}"
        case Joined(source=source, into=into, why=why):
            return f"not merged {source} into {into}: {why}"
        case Waiting(why=why):
            return f"waiting: {why}"
        case Ended(outcome=outcome, reason=reason):
            return f"{outcome.upper()}: {reason}"


class Lines:
    """Plain lines with the seconds since the start, for logs and pipes."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, event: Event) -> None:
        print(f"[{time.monotonic() - self._start:6.1f} s] {line(event)}", flush=True)


class JsonLines:
    """One JSON object a line on standard output, with `type` and `at` (seconds since 1970)."""

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, event: Event) -> None:
        print(json.dumps({"at": round(time.time(), 3), **msgspec.to_builtins(event)}), flush=True)


class LiveBoard:
    """The board, redrawn in place on a terminal."""

    def __init__(self, board: Board, console: Console) -> None:
        self._board = board
        self._live = Live(render(board), console=console, refresh_per_second=8)

    def __enter__(self) -> "LiveBoard":
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def __call__(self, event: Event) -> None:
        self._board = self._board.after(event)
        self._live.update(render(self._board))


View = Lines | JsonLines | LiveBoard


def render(board: Board) -> Group:
    """Phases in a row, budget as bars, the last lines below."""
    phases = Text("  ")
    for name in PHASES:
        style = "bold reverse green" if name == board.phase else "dim"
        phases.append(f" {name} ", style=style).append(
            "→" if name != PHASES[-1] else "", style="dim"
        )
    table = Table.grid(padding=(0, 2))
    table.add_row(
        "tasks", f"{board.tasks_done}/{board.tasks_total}  wave {board.wave}  round {board.round}"
    )
    for name, spent, cap, said in (
        ("tokens", board.tokens, board.cap_tokens, f"{board.tokens:,} of {board.cap_tokens:,}"),
        (
            "cost",
            board.micros,
            board.cap_micros,
            f"${board.micros / 1e6:.4f} of ${board.cap_micros / 1e6:.2f}",
        ),
    ):
        table.add_row(name, ProgressBar(total=max(1, cap), completed=spent, width=30), said)
    table.add_row("asking", Text(", ".join(board.asking) or "nobody", overflow="ellipsis"))
    lines = Text("\n".join(board.lines), style="dim", overflow="ellipsis", no_wrap=True)
    return Group(Text(board.title, style="bold"), phases, table, lines)


def view(board: Board, *, as_json: bool, plain: bool) -> View:
    """The view that fits: JSON if asked for, a board on a terminal, else lines."""
    if as_json:
        return JsonLines()
    console = Console()
    if plain or not console.is_terminal or not sys.stdout.isatty():
        print(board.title, flush=True)
        return Lines()
    return LiveBoard(board, console)
