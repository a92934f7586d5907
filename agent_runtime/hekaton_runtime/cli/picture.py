"""Draw a memory plan: bars of characters for a terminal, or an SVG for a page. Pure."""

from dataclasses import dataclass
from html import escape

from hekaton_api.vram.plan import Plan
from hekaton_api.vram.sizes import shown

MARKS = (("weights", "█"), ("KV cache", "▓"), ("activations, engine", "▒"), ("reserved", "╱"))
FREE = "·"
COLOURS = {
    "weights": "#3b5b8c",
    "KV cache": "#e08e2b",
    "activations, engine": "#8a8f98",
    "reserved": "#c9ccd1",
}
ROW, LEFT, WIDE, SIZE, MARGIN = 24, 150, 560, 12, 12
"""Pixels: a row, the names' column, the bars, a letter, around it all."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: a name, the parts in the order of `MARKS`, and what is said behind it."""

    name: str
    parts: tuple[int, int, int, int]
    note: str


def bars(plan: Plan) -> tuple[Bar, ...]:
    """A bar a model, and one of their sum."""
    share = max(1, plan.gpus)
    lines = [
        Bar(
            each.engine.spec.name,
            (
                each.engine.weights * share,
                each.engine.kv * share,
                (each.engine.activations + each.engine.overhead) * share,
                0,
            ),
            shown(each.engine.total * share),
        )
        for each in plan.models
    ]
    weights, kv, rest = (sum(bar.parts[i] for bar in lines) for i in range(3))
    note = f"{shown(plan.used)} of {shown(plan.capacity - plan.reserve)}"
    return (*lines, Bar("total", (weights, kv, rest, plan.reserve), note))


def text(plan: Plan, width: int = 60) -> str:
    """Bars of characters, one a line; a full width is the hardware's memory, or what is asked."""
    lines, whole = bars(plan), scale(plan)
    names = max(len(bar.name) for bar in lines)
    drawn = [f"{bar.name:<{names}} {_drawn(bar, whole, width)} {bar.note}" for bar in lines]
    legend = "  ".join(f"{mark} {name}" for name, mark in MARKS)
    return "\n".join((*drawn, f"{'':<{names}} {legend}  {FREE} free"))


def scale(plan: Plan) -> int:
    """Bytes that the full width stands for."""
    return max(plan.capacity, plan.used + plan.reserve, 1)


def _drawn(bar: Bar, whole: int, width: int) -> str:
    """Ends are rounded, so that the parts never drift from their sum."""
    line, end, done = "", 0, 0
    for (_, mark), part in zip(MARKS, bar.parts, strict=True):
        done += part
        new = round(done * width / whole)
        line, end = line + mark * (new - end), new
    return line + (FREE if bar.name == "total" else " ") * (width - len(line))


def svg(plan: Plan) -> str:
    """The same bars as a picture of its own."""
    lines, whole = bars(plan), scale(plan)
    high = 2 * MARGIN + ROW * (len(lines) + 2)
    body = [_text(MARGIN, 0, f"{plan.formation} on {plan.gpus or 1} x {plan.profile}", bold=True)]
    for row, bar in enumerate(lines, 1):
        body += [_text(MARGIN, row, bar.name), *_rects(bar, row, whole)]
        body.append(_text(MARGIN + LEFT + WIDE + 8, row, bar.note))
    body += _legend(len(lines) + 1)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDE + 170}" height="{high}" '
        f'font-family="sans-serif" font-size="{SIZE}" role="img" '
        f'aria-label="{escape(f"Memory of {plan.formation}: {lines[-1].note}", quote=True)}">'
    )
    return "\n".join((head, '<rect width="100%" height="100%" fill="#ffffff"/>', *body, "</svg>\n"))


def _rects(bar: Bar, row: int, whole: int) -> list[str]:
    found, done = [], 0
    if bar.name == "total":
        found.append(_rect(MARGIN + LEFT, row, WIDE, "#ffffff", edge=True))
    for (name, _), part in zip(MARKS, bar.parts, strict=True):
        start, done = done * WIDE / whole, done + part
        if part:
            wide = done * WIDE / whole - start
            found.append(_rect(MARGIN + LEFT + start, row, wide, COLOURS[name]))
    return found


def _legend(row: int) -> list[str]:
    found, x = [], float(MARGIN + LEFT)
    for name, _ in MARKS:
        found += [_rect(x, row, 10, COLOURS[name]), _text(x + 16, row, name)]
        x += 40 + 7 * len(name)
    return found


def _rect(x: float, row: int, wide: float, fill: str, *, edge: bool = False) -> str:
    y = MARGIN + row * ROW + 4
    stroke = ' stroke="#c9ccd1"' if edge else ""
    return (
        f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{ROW - 8}" fill="{fill}"{stroke}/>'
    )


def _text(x: float, row: int, words: str, *, bold: bool = False) -> str:
    y = MARGIN + row * ROW + 16
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y}" fill="#20242b"{weight}>{escape(words)}</text>'
