"""The definitions as YAML files, the ones that `make crds` writes and a test compares."""

from io import StringIO

from ruamel.yaml import YAML

from hekaton_api.dump import styled
from hekaton_api.schema.definitions import formations, missions

HEAD = "# Made by `make crds` from crds/hekaton_api; change the types there, not this file.\n"


def texts() -> dict[str, str]:
    """The text of each file, by its name."""
    made = {"formations.yaml": formations(), "missions.yaml": missions()}
    return {name: HEAD + _text(definition) for name, definition in made.items()}


def _text(definition: object) -> str:
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 110
    stream = StringIO()
    yaml.dump(styled(definition), stream)
    return stream.getvalue()
