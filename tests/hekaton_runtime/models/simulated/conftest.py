"""A right answer and the book that holds it."""

import pytest

from hekaton_runtime.answers import FileChange, Patch
from hekaton_runtime.models.simulated.book import Book, Entry

CODE = '''"""Sums."""


def total(numbers):
    """Add up."""
    return sum(numbers)  # exact
'''


@pytest.fixture
def patch() -> Patch:
    return Patch(summary="Adds total().", files=(FileChange(path="app/sums.py", content=CODE),))


@pytest.fixture
def book(patch: Patch) -> Book:
    return Book((Entry("sums", "Write total().", {"patch": patch}),))
