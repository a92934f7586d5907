"""Kubernetes objects as YAML: what Helm renders and what the repository holds, read one way."""

from io import StringIO
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import walk_tree

Object: TypeAlias = dict[str, Any]
"""One Kubernetes object, as the API would take it."""


def read(text: str) -> list[Object]:
    """Every object in the text, in its order."""
    return [each for each in YAML(typ="safe", pure=True).load_all(text) if each]


def write(value: Object) -> str:
    """One object, with its long texts as blocks."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 4096
    walk_tree(value)  # in place: several lines become a block
    stream = StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()
