"""What the images install is pinned to the last package: the same list gives the same image."""

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
MACHINES = ("x86_64", "aarch64")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)$")


def pins(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    found = [PIN.match(line) for line in lines]
    assert None not in found, f"{path.name}: write NAME==VERSION"
    return {canonicalize_name(each[1]): each[2] for each in found if each}


def wanted(extras: tuple[str, ...]) -> list[str]:
    """What pyproject.toml asks for; the metadata of an editable install may be older."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    more = (project["optional-dependencies"][extra] for extra in extras)
    return [*project["dependencies"], *chain.from_iterable(more)]


def needed(texts: list[str], machine: str) -> Iterator[str]:
    """Every package that these bring on Linux, by the metadata of what is installed here."""
    nothing: frozenset[str] = frozenset()
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(text, nothing) for text in texts]
    while waiting:
        text, extras = waiting.pop()
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        here = (name, frozenset(requirement.extras))
        if not _applies(requirement, extras, machine) or here in seen:
            continue
        seen.add(here)
        yield name
        with suppress(PackageNotFoundError):  # what the tests never install is pinned itself
            waiting += [(each, here[1]) for each in requires(name) or ()]


def _applies(requirement: Requirement, extras: frozenset[str], machine: str) -> bool:
    if requirement.marker is None:
        return True
    where = {"platform_machine": machine, "sys_platform": "linux"}
    return any(requirement.marker.evaluate({**where, "extra": each}) for each in extras or {""})


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("extras", [("operator",), ("router",)], ids=["operator", "runtime"])
def test_every_package_of_an_image_is_pinned(extras: tuple[str, ...], machine: str) -> None:
    pinned = pins(ROOT / "constraints.txt")
    assert sorted(set(needed(wanted(extras), machine)) - set(pinned)) == []


def test_the_engines_list_names_vllm_and_versions_alone() -> None:
    assert pins(ROOT / "agent_runtime" / "engines.txt")["vllm"] == "0.33.0"
