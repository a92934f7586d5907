"""Draw quality against budget as an SVG: a line an arm, with its interval at each cap. Pure."""

from html import escape
from math import log

from hekaton_runtime.compare.analysis import Comparison, Point
from hekaton_runtime.compare.plan import Plan

COLOURS = ("#3b5b8c", "#e08e2b", "#4c9a6a", "#b0413e", "#7a5ea8", "#8a8f98", "#c2a83e", "#2a2a2a")
MARKS = "circle", "square"
WIDE, HIGH, LEFT, TOP, RIGHT, LOW = 760, 440, 60, 64, 190, 70
"""Pixels: the whole, and the room around the plot."""
APART = 4
"""Pixels between arms at the same cap, so that their intervals can be told apart."""


def picture(plan: Plan, seen: Comparison, title: str) -> str:
    """The file's text; `title` says SIMULATED where that is so."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDE}" height="{HIGH}" fill="#ffffff"/>',
        _text(LEFT, 24, title, "start", bold=True),
        _text(LEFT, 44, _about(seen, plan), "start"),
        *_axes(plan),
    ]
    for number, arm in enumerate(plan.arms):
        points = [one for one in seen.points if one.arm == arm]
        parts += _arm(plan, points, number)
        y = TOP + 14 + 20 * number
        parts.append(_mark(WIDE - RIGHT + 24, y - 4, number))
        mark = " (baseline)" if arm == plan.baseline else ""
        parts.append(_text(WIDE - RIGHT + 34, y, f"{arm}{mark}", "start"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _about(seen: Comparison, plan: Plan) -> str:
    seeds = "" if plan.seeds == 1 else f", {plan.seeds} seeds"
    return (
        f"{seen.tasks} of {len(plan.tasks)} tasks{seeds}; bars are 95 % intervals of each arm alone"
    )


def _x(plan: Plan, cap: int) -> float:
    first, last = log(plan.caps[0]), log(plan.caps[-1])
    share = (log(cap) - first) / (last - first) if last > first else 0.5
    return LEFT + 30 + share * (WIDE - LEFT - RIGHT - 60)


def _y(share: float) -> float:
    return TOP + (1 - share) * (HIGH - TOP - LOW)


def _axes(plan: Plan) -> list[str]:
    lines = []
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        lines.append(_line(LEFT, y, WIDE - RIGHT, y, "#e3e5e8"))
        lines.append(_text(LEFT - 8, y + 4, f"{10 * tenth} %", "end"))
    for cap in plan.caps:
        lines.append(_line(_x(plan, cap), _y(0), _x(plan, cap), _y(0) + 5, "#8a8f98"))
        lines.append(_text(_x(plan, cap), _y(0) + 20, f"{cap:,}", "middle"))
    middle = (LEFT + WIDE - RIGHT) / 2
    said = "cap of a mission, tokens of every kind (logarithmic)"
    return [*lines, _text(middle, HIGH - 22, said, "middle")]


def _arm(plan: Plan, points: list[Point], number: int) -> list[str]:
    shift = APART * (number - (len(plan.arms) - 1) / 2)
    colour = COLOURS[number % len(COLOURS)]
    at = [(_x(plan, one.cap) + shift, one) for one in points]
    path = " ".join(f"{x:.1f},{_y(one.share):.1f}" for x, one in at)
    lines = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>']
    for x, one in at:
        lines.append(_line(x, _y(one.interval.low), x, _y(one.interval.high), colour))
        lines.append(_mark(x, _y(one.share), number))
    return lines


def _mark(x: float, y: float, number: int) -> str:
    colour = COLOURS[number % len(COLOURS)]
    if MARKS[number % 2] == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
    return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" fill="{colour}"/>'


def _line(x: float, y: float, to_x: float, to_y: float, colour: str) -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'
