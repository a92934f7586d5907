"""The ConfigMap MISSION-report: what a mission left, where a person without a volume can get it. Pure."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hekaton_operator.manifest import Manifest
from hekaton_operator.progress import Paper

LONGEST = 900 * 1024
"""Bytes of all papers together; an object in the cluster stays below about 1 MiB."""
FIRST = ("SITREP.md", "sitrep.json")
"""What is kept when not all fits."""
NOTE = "note"


def filled(empty: Manifest, papers: tuple[Paper, ...]) -> Manifest:
    """The ConfigMap with its papers: text as text, the rest in base64."""
    size = sum(_size(paper) for paper in papers)
    text: dict[str, str] = {}
    binary: dict[str, str] = {}
    if not papers:
        text[NOTE] = "The mission left no papers: its conductor never came to an end."
    elif size > LONGEST:
        papers = _fitting(papers)
        text[NOTE] = (
            f"The papers hold {size} bytes, more than fit here. Mission.spec.artifact (pvc or git) takes"
            " artifacts of any size."
        )
    for paper in papers:
        try:
            text[paper.name] = paper.content.decode()
        except UnicodeDecodeError:
            binary[paper.name] = base64.b64encode(paper.content).decode()
    body = {**empty.body, "data": text, **({"binaryData": binary} if binary else {})}
    return replace(empty, body=body)


def _fitting(papers: tuple[Paper, ...]) -> tuple[Paper, ...]:
    room, kept = LONGEST, []
    for name in FIRST:
        for paper in papers:
            if paper.name == name and _size(paper) <= room:
                kept.append(paper)
                room -= _size(paper)
    return tuple(kept)


def _size(paper: Paper) -> int:
    """As JSON carries it: binary grows by a third."""
    return len(paper.content) * 4 // 3 + len(paper.name)


def scores(text: str) -> Mapping[str, Any]:
    """The auditor's scores of a sitrep.json, as the status holds them; empty where there are none."""
    try:
        found = json.loads(text).get("scores") or {}
        parts = {each["part"]: each["grade"] for each in found.get("parts", ())}
        names = {"correctness": "correctness", "style": "style", "security": "security"}
        names["testCoverage"] = "test_coverage"
        return {
            **{out: float(parts[inside]) for out, inside in names.items()},
            "weighted": float(found["weighted"]),
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
