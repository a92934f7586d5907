"""What the tools print, as types: decoded strictly where we rely on it, all else ignored."""

from typing import Literal

import msgspec


class Place(msgspec.Struct, frozen=True):
    row: int


class RuffItem(msgspec.Struct, frozen=True):
    filename: str
    message: str
    code: str | None = None
    """None or `invalid-syntax` where the file cannot be parsed."""
    location: Place | None = None


class MypyItem(msgspec.Struct, frozen=True):
    file: str
    line: int
    message: str
    code: str | None
    severity: str


Level = Literal["LOW", "MEDIUM", "HIGH", "UNDEFINED"]


class BanditItem(msgspec.Struct, frozen=True):
    filename: str
    line_number: int
    issue_severity: Level
    issue_confidence: Level
    issue_text: str
    test_id: str


class BanditError(msgspec.Struct, frozen=True):
    filename: str
    reason: str


class BanditSaid(msgspec.Struct, frozen=True):
    results: tuple[BanditItem, ...]
    errors: tuple[BanditError, ...]


class CoveredFile(msgspec.Struct, frozen=True):
    executed_lines: tuple[int, ...]
    missing_lines: tuple[int, ...]


class CoverageSaid(msgspec.Struct, frozen=True):
    files: dict[str, CoveredFile]
