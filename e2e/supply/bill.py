"""From the bill of an environment to the bill of what is pinned, and its licences as a table.

    python -m supply.bill RAW.json FOLDER        # what `make sbom` does, after cyclonedx-py

An environment holds what people installed besides; the bill that is published names every line of
constraints.txt at its version, and nothing else but Hekaton and what those lines pull in unpinned.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.places import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)", re.MULTILINE)
NAME = "hekaton.cdx.json"
Bill = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Incomplete(Exception):
    """The environment is not what is pinned: each reason in a sentence."""

    reasons: tuple[str, ...]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    """What constraints.txt says, by canonical name."""
    return {canonical(name): version for name, version in PIN.findall(text)}


def trimmed(bill: Bill, wanted: Mapping[str, str]) -> Bill:
    """Only what is pinned, and what that depends on; raises `Incomplete`."""
    parts = {each["bom-ref"]: each for each in bill.get("components", ())}
    named = {canonical(each["name"]): ref for ref, each in parts.items()}
    reasons = tuple(_wrong(parts, named, wanted))
    if reasons:
        raise Incomplete(reasons)
    below = {each["ref"]: each.get("dependsOn", ()) for each in bill.get("dependencies", ())}
    kept = _reached((named[name] for name in wanted), below)
    root = bill.get("metadata", {}).get("component", {}).get("bom-ref", "")
    arrows = [
        {**each, "dependsOn": [to for to in each.get("dependsOn", ()) if to in kept]}
        for each in bill.get("dependencies", ())
        if each["ref"] in kept or each["ref"] == root
    ]
    return {
        **bill,
        "components": [each for ref, each in parts.items() if ref in kept],
        "dependencies": arrows,
    }


def _wrong(
    parts: Mapping[str, Bill], named: Mapping[str, str], wanted: Mapping[str, str]
) -> Iterable[str]:
    for name, version in wanted.items():
        if name not in named:
            yield f"{name}=={version} is pinned and not installed: run `make develop`."
            continue
        found = parts[named[name]].get("version", "").partition("+")[0]
        if found != version:
            yield f"{name} is pinned at {version!r} and installed at {found!r}: run `make develop`."


def _reached(starts: Iterable[str], below: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    open_ends = list(starts)
    while open_ends:
        ref = open_ends.pop()
        if ref not in found:
            found.add(ref)
            open_ends += below.get(ref, ())
    return found


def licences(bill: Bill) -> str:
    """A Markdown table, one line a part."""
    rows = sorted((canonical(c["name"]), c.get("version", ""), _licence(c)) for c in bill["components"])  # fmt: skip
    lines = [f"| {name} | {version} | {said} |" for name, version, said in rows]
    head = ["# Licences of what Hekaton pins", "", "| part | version | licence |", "|---|---|---|"]
    return "\n".join([*head, *lines, ""])


def _licence(part: Bill) -> str:
    """An SPDX id or expression before a name; a text is only said to be there."""
    said = [each.get("expression") or _one(each.get("license", {})) for each in part.get("licenses", ())]  # fmt: skip
    short = sorted({each.splitlines()[0][:80].replace("|", "/") for each in said if each})
    return ", ".join(short) or "not stated in its metadata"


def _one(licence: Bill) -> str:
    return str(licence.get("id") or licence.get("name") or "")


def main(raw: Path, folder: Path) -> int:
    wanted = pins((ROOT / "constraints.txt").read_text())
    try:
        bill = trimmed(json.loads(raw.read_text()), wanted)
    except Incomplete as fault:
        print("\n".join(fault.reasons), file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_text(json.dumps(bill, indent=1) + "\n")
    (folder / "licences.md").write_text(licences(bill))
    print(f"{len(bill['components'])} parts in {folder / NAME}, their licences in {folder / 'licences.md'}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
