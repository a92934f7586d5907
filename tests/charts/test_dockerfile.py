"""The Dockerfile keeps its promises: no root, no compiler, no registry, nothing unpinned, no architecture."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ("operator", "runtime", "engines")
MACHINES = ("amd64", "arm64", "x86_64", "aarch64")


@dataclass(frozen=True, slots=True)
class Step:
    word: str
    """FROM, RUN, ..."""
    text: str
    """The rest of it, on one line."""


def steps() -> list[Step]:
    """The instructions, with their continued lines joined and comments left out."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line[:1] != "#"]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    split = (line.partition(" ") for line in whole.splitlines() if line.strip())
    return [Step(word, text.strip()) for word, _, text in split]


def stages() -> dict[str, list[Step]]:
    """Each stage's steps by its name; the first is the base that it stands on."""
    found: dict[str, list[Step]] = {}
    for step in steps():
        if step.word == "FROM":
            base, _, name = step.text.partition(" AS ")
            found[name] = [Step("FROM", base)]
        elif found:
            list(found.values())[-1].append(step)
    return found


def lineage(name: str) -> list[Step]:
    """All steps of an image, from its base on."""
    own = stages()[name]
    base = own[0].text
    return (lineage(base) if base in stages() else []) + own[1:]


def ran(name: str) -> str:
    return " ; ".join(step.text for step in lineage(name) if step.word == "RUN")


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_ends_as_a_user_without_rights(image: str) -> None:
    users = [step.text for step in lineage(image) if step.word == "USER"]
    assert users[-1] == "65532:65532"


def test_every_stage_stands_on_the_one_base_that_can_be_given() -> None:
    bases = {own[0].text for own in stages().values()}
    assert bases - set(stages()) == {"${BASE_IMAGE}"}
    assert Step("ARG", "BASE_IMAGE=python:3.12-slim") in steps()


def test_nothing_is_fetched_by_address() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "://" not in text
    assert not re.search(r"\b(curl|wget)\b", text)
    assert [step for step in steps() if step.word == "ADD"] == []


def test_no_line_knows_an_architecture() -> None:
    said = " ".join(step.text for step in steps())
    assert [name for name in MACHINES if name in said] == []


def test_python_packages_are_wheels_pinned_in_a_list() -> None:
    installs = re.findall(
        r"pip(?: --python \S+)? install [^;&]*", " ; ".join(s.text for s in steps())
    )
    assert installs
    loose = [
        each
        for each in installs
        if not re.search(r"-c constraints\.txt|--no-index|--no-deps .*-r engines\.txt", each)
    ]
    assert loose == []


def test_packages_leave_no_lists_behind() -> None:
    for step in steps():
        if step.word == "RUN" and "apt-get install" in step.text:
            assert "--no-install-recommends" in step.text
            assert "rm -rf /var/lib/apt/lists/*" in step.text


@pytest.mark.parametrize("image", ["operator", "runtime"])
def test_no_compiler_and_no_pip_stay_in_an_image(image: str) -> None:
    assert not re.search(r"\b(gcc|build-essential|python3-dev|pip)\b", ran(image))


@pytest.mark.parametrize("image", IMAGES)
def test_python_imports_nothing_from_where_it_stands_and_writes_no_bytecode(image: str) -> None:
    said = " ".join(step.text for step in lineage(image) if step.word == "ENV")
    assert {"PYTHONSAFEPATH=1", "PYTHONDONTWRITEBYTECODE=1"} <= set(said.split())


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_what_it_is(image: str) -> None:
    labels = " ".join(step.text for step in lineage(image) if step.word == "LABEL")
    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels


def test_the_context_holds_sources_alone() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert all((ROOT / rule[1:]).exists() for rule in rules if rule.startswith("!"))
