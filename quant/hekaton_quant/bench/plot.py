"""Rate against distortion as an SVG file, written by hand so that plots need no library."""

import math
from collections.abc import Sequence

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 440, 70, 50
_COLOURS = ("#0b6", "#c33", "#36c", "#a50", "#808")


def _x(bits: float) -> float:
    return _LEFT + (bits - 1.8) / (4.8 - 1.8) * (_WIDTH - _LEFT - 20)


def _y(error: float) -> float:
    low, high = math.log10(0.002), math.log10(0.2)
    return 20 + (high - math.log10(error)) / (high - low) * (_HEIGHT - _BOTTOM - 20)


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def _frame() -> list[str]:
    parts = [f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>']
    for bits in (2.0, 2.5, 3.0, 3.5, 4.0, 4.5):
        x = _x(bits)
        parts.append(f'<path d="M{x:.1f} 20V{_HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        parts.append(_text(x, _HEIGHT - _BOTTOM + 18, f"{bits:g}"))
    for error in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2):
        y = _y(error)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - 20}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{error:g}", "end"))
    parts.append(_text(_WIDTH / 2, _HEIGHT - 10, "bits per coordinate, everything counted"))
    parts.append(_text(_LEFT, 14, "squared error of an N(0, 1) coordinate", "start"))
    return parts


def _curve(values: Sequence[tuple[float, float]], colour: str, dash: str) -> str:
    path = "L".join(f"{_x(bits):.1f} {_y(error):.1f}" for bits, error in values)
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-dasharray="{dash}"/>'


def rate_distortion_svg(points: Sequence[tuple[str, float, float]]) -> str:
    """points: (name, bits, squared error); the dashed line is Shannon's bound."""
    rates = [1.8 + 0.1 * i for i in range(31)]
    bound = [(bits, 4.0**-bits) for bits in rates if 4.0**-bits >= 0.002]
    parts = [*_frame(), _curve(bound, "#000", "6 4"), _text(_x(3.9), _y(0.0036), "Shannon")]
    families = sorted({name.split("_")[0].rstrip("0123456789x") for name, _, _ in points})
    for name, bits, error in points:
        family = name.split("_")[0].rstrip("0123456789x")
        colour = _COLOURS[families.index(family) % len(_COLOURS)]
        x, y = _x(bits), _y(error)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        parts.append(_text(x + 7, y - 5, name, "start"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'font-family="sans-serif" font-size="12">\n{body}\n</svg>\n'
    )
