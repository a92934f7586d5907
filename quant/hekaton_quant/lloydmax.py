"""Optimal scalar codebooks by Lloyd's and Max's two conditions, computed once and cached.

Three densities: the unit Gaussian, the exact one of a coordinate on the sphere (the paper's), and
vLLM's coarse integration of N(0, 1/d), which its packed bytes depend on.
"""

import functools
import math
from collections.abc import Callable

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[numpy.float64]


def _solve(
    density: Callable[[Array], Array],
    edge: float,
    start: Array,
    points: int,
    most: int = 500,
    close: float = 1e-9,
) -> Array:
    """Iterate centroids and midpoints on [-edge, edge], `points` trapezoids to each cell."""
    centroids = start
    grid = numpy.arange(points + 1) / points
    weights = numpy.ones(points + 1)
    weights[[0, -1]] = 0.5
    for _ in range(most):
        middles = (centroids[:-1] + centroids[1:]) / 2
        edges = numpy.concatenate(([-edge], middles, [edge]))
        x = edges[:-1, None] + (edges[1:] - edges[:-1])[:, None] * grid
        mass = density(x) * weights
        total = mass.sum(axis=1)
        moved = numpy.where(total > 0, (mass * x).sum(axis=1) / total, centroids)
        moved = (moved - moved[::-1]) / 2  # the densities are even, so is the codebook
        change = numpy.abs(moved - centroids).max()
        centroids = moved
        if change < close:
            break
    return centroids


@functools.cache
def gaussian_codebook(bits: int) -> Tensor:
    """(2^bits,) float32 sorted: Lloyd-Max levels of N(0, 1)."""
    levels = 1 << bits
    start = torch.special.ndtri((torch.arange(levels, dtype=torch.float64) + 0.5) / levels)
    solved = _solve(lambda x: numpy.exp(-x * x / 2), 9.0, start.numpy(), 1000)
    return torch.from_numpy(solved).float()


@functools.cache
def sphere_codebook(head_size: int, bits: int) -> Tensor:
    """(2^bits,) float32 sorted: Lloyd-Max levels of a coordinate of a random unit vector."""
    start = gaussian_codebook(bits).double().numpy() / math.sqrt(head_size)
    return torch.from_numpy(_solve(_on_sphere(head_size), _edge(head_size), start, 1000)).float()


def _on_sphere(head_size: int) -> Callable[[Array], Array]:
    """The density of a coordinate of a random unit vector, up to a factor."""
    power = (head_size - 3) / 2
    return lambda x: numpy.exp(power * numpy.log1p(-numpy.minimum(x * x, 1 - 1e-15)))


def _edge(head_size: int) -> float:
    return min(1.0, 9.0 / math.sqrt(head_size))


@functools.cache
def sphere_distortion(head_size: int, bits: int) -> float:
    """The squared error that `sphere_codebook` leaves of a random unit vector, by integration."""
    levels = sphere_codebook(head_size, bits).double().numpy()
    x = numpy.linspace(-_edge(head_size), _edge(head_size), 400_001)
    mass = _on_sphere(head_size)(x)
    places = numpy.searchsorted((levels[:-1] + levels[1:]) / 2, x)
    error = (x - levels[places]) ** 2
    return float(head_size * (mass * error).sum() / mass.sum())


@functools.cache
def vllm_codebook(head_size: int, bits: int) -> Tensor:
    """(2^bits,) float32 sorted: the levels vLLM computes, its coarse grid included."""
    levels, sigma = 1 << bits, 1 / math.sqrt(head_size)
    start: Array = (numpy.arange(levels, dtype=numpy.float64) + 0.5) * (
        7.0 * sigma / levels
    ) - 3.5 * sigma

    def density(x: Array) -> Array:
        return numpy.exp(-x * x / (2 * sigma * sigma))

    # 200 trapezoids a cell, the outer cells reaching to 10.5 sigma, at most 200 turns, stop at 1e-10.
    return torch.from_numpy(_solve(density, 10.5 * sigma, start, 200, 200, 1e-10)).float()


def nearest(codebook: Tensor, x: Tensor) -> Tensor:
    """The index of the nearest level of a sorted codebook; a tie goes to the upper one."""
    middles = (codebook[:-1] + codebook[1:]) / 2
    return torch.bucketize(x.contiguous(), middles, right=True)
