"""Orthogonal rotations that spread a vector's energy evenly over its coordinates.

A Hadamard matrix with random signs does it for every head size of the form n * 2^k with n in
1, 12, 20; Paley's construction gives the orders that are no power of two.
"""

import functools
import math

import torch
from torch import Tensor

from hekaton_quant.errors import Unsupported


def _paley(prime: int) -> Tensor:
    """The Hadamard matrix of order prime + 1, for a prime that is 3 modulo 4."""
    squares = {(i * i) % prime for i in range(1, prime)}
    residue = [0 if i == 0 else (1 if i in squares else -1) for i in range(prime)]
    order = prime + 1
    matrix = torch.ones(order, order, dtype=torch.float64)
    for row in range(1, order):
        matrix[row, 0] = -1.0
        for column in range(1, order):
            value = residue[(column - row) % prime]
            matrix[row, column] = value if row != column else 1.0
    return matrix


@functools.cache
def hadamard(size: int) -> Tensor:
    """The orthogonal Hadamard matrix (size, size) in float64; Sylvester's for powers of two."""
    for core, prime in ((1, 0), (12, 11), (20, 19)):
        rest = size // core
        if size > 0 and size % core == 0 and rest & (rest - 1) == 0:
            matrix = _paley(prime) if prime else torch.ones(1, 1, dtype=torch.float64)
            for _ in range(rest.bit_length() - 1):
                matrix = torch.cat(
                    (torch.cat((matrix, matrix), 1), torch.cat((matrix, -matrix), 1))
                )
            return matrix / math.sqrt(size)
    raise Unsupported([f"No Hadamard matrix of order {size}; use n * 2^k with n in 1, 12, 20."])


@functools.cache
def randomised_hadamard(size: int, seed: int) -> Tensor:
    """Hadamard after random signs: (size, size) float32, y = x @ matrix.T."""
    random = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, (size,), generator=random).to(torch.float64) * 2 - 1
    return (hadamard(size) * signs).to(torch.float32)


@functools.cache
def dense_rotation(size: int, seed: int) -> Tensor:
    """The paper's rotation: the Q factor of a Gaussian matrix, (size, size) float32."""
    random = torch.Generator().manual_seed(seed)
    gaussian = torch.randn(size, size, generator=random, dtype=torch.float64)
    q, r = torch.linalg.qr(gaussian)
    rotation: Tensor = q * r.diagonal().sign()
    return rotation.to(torch.float32)
