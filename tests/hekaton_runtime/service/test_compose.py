"""The compose file names commands, options and variables that there are."""

from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from hekaton_runtime.cli.main import app

FILE = Path(__file__).resolve().parents[3] / "manifests" / "compose" / "compose.yaml"
SERVICES: dict[str, Any] = YAML(typ="safe").load(FILE.read_text())["services"]


@pytest.mark.parametrize("name", ["service", "models"])
def test_a_command_of_the_compose_file_takes_its_options(name: str) -> None:
    first, *words = SERVICES[name]["command"]
    group: Any = typer.main.get_command(app)
    known = {option for one in group.commands[first].params for option in one.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_every_service_that_is_waited_for_is_there() -> None:
    waited = {other for one in SERVICES.values() for other in one.get("depends_on", ())}
    assert waited <= set(SERVICES)


def test_the_port_is_published_to_this_machine_alone() -> None:
    assert SERVICES["service"]["ports"] == ["127.0.0.1:8080:8080"]
