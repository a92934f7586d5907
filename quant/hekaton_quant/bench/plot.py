"""Plots as SVG files, written by hand so that they need no library: rate and KL against bytes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 440, 70, 50
_COLOURS = ("#0b6", "#c33", "#36c", "#a50", "#808")

Point = tuple[str, float, float]
"""What it is, and where it lies."""


@dataclass(frozen=True, slots=True)
class Axes:
    """A linear axis across and a logarithmic one up; the outer ticks are the ends."""

    across: tuple[float, ...]
    up: tuple[float, ...]
    across_label: str
    up_label: str

    def x(self, value: float) -> float:
        """Where a value lies across, in pixels."""
        low, high = self.across[0], self.across[-1]
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - 20)

    def y(self, value: float) -> float:
        """Where a value lies from above, in pixels."""
        low, high = math.log10(self.up[0]), math.log10(self.up[-1])
        return 20 + (high - math.log10(value)) / (high - low) * (_HEIGHT - _BOTTOM - 20)


_RATE = Axes(
    (1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 4.8),
    (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
    "bits per coordinate, everything counted",
    "squared error of an N(0, 1) coordinate",
)
_KL = Axes(
    (70, 80, 90, 100, 110, 120, 130, 150),
    (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02),
    "bytes per token and KV head, everything counted",
    "KL of the next token from the exact cache's, nats",
)


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def _frame(axes: Axes) -> list[str]:
    parts = [f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>']
    for value in axes.across[1:-1]:
        x = axes.x(value)
        parts.append(f'<path d="M{x:.1f} 20V{_HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        parts.append(_text(x, _HEIGHT - _BOTTOM + 18, f"{value:g}"))
    for value in axes.up:
        y = axes.y(value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - 20}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{value:g}", "end"))
    parts.append(_text(_WIDTH / 2, _HEIGHT - 10, axes.across_label))
    parts.append(_text(_LEFT, 14, axes.up_label, "start"))
    return parts


def _marks(axes: Axes, points: Sequence[Point]) -> list[str]:
    families = sorted({_family(name) for name, _, _ in points})
    parts = []
    for name, across, up in points:
        colour = _COLOURS[families.index(_family(name)) % len(_COLOURS)]
        x, y = axes.x(across), axes.y(up)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        parts.append(_text(x + 7, y - 5, name, "start"))
    return parts


def _family(name: str) -> str:
    return name.split("_")[0].split(" ")[-1].rstrip("0123456789x")


def _svg(parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'font-family="sans-serif" font-size="12">\n{body}\n</svg>\n'
    )


def rate_distortion_svg(points: Sequence[Point]) -> str:
    """points: (name, bits, squared error); the dashed line is Shannon's bound."""
    rates = [1.8 + 0.1 * i for i in range(31)]
    bound = [(bits, 4.0**-bits) for bits in rates if 4.0**-bits >= 0.002]
    path = "L".join(f"{_RATE.x(bits):.1f} {_RATE.y(error):.1f}" for bits, error in bound)
    shannon = f'<path d="M{path}" fill="none" stroke="#000" stroke-dasharray="6 4"/>'
    label = _text(_RATE.x(3.9), _RATE.y(0.0036), "Shannon")
    return _svg([*_frame(_RATE), shannon, label, *_marks(_RATE, points)])


def kl_svg(points: Sequence[Point]) -> str:
    """points: (name, bytes, KL); those beyond the axes are left out."""
    low, high = _KL.up[0], _KL.up[-1]
    inside = [p for p in points if _KL.across[0] <= p[1] <= _KL.across[-1] and low <= p[2] <= high]
    return _svg([*_frame(_KL), *_marks(_KL, inside)])
