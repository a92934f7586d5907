"""Write objects as YAML that `load` and kubectl read back to equal objects.

What kubectl would take for a number, a boolean or null is quoted; the rest stays plain.
"""

from collections.abc import Iterable
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from hekaton_api.formation import Formation
from hekaton_api.mission import Mission
from hekaton_api.scalars import plain


def dump(objects: Iterable[Formation | Mission]) -> str:
    """The objects as YAML documents, without fields that hold nothing."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 1_000_000  # no folding: a folded scalar could put '---' at the start of a line
    texts = []
    for each in objects:
        stream = StringIO()
        yaml.dump(styled(each.model_dump(mode="json", by_alias=True, exclude_none=True)), stream)
        texts.append(stream.getvalue())
    return "---\n".join(texts)


def styled(value: Any) -> Any:
    """The same value, its texts in the style that keeps them texts."""
    if isinstance(value, dict):
        return {styled(name): styled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [styled(inner) for inner in value]
    if not isinstance(value, str):
        return value
    lines = value.split("\n")
    if len(lines) > 1 and all(line.isprintable() and line == line.strip() for line in lines[:-1]):
        return (
            LiteralScalarString(value)
            if lines[0] and not lines[-1]
            else DoubleQuotedScalarString(value)
        )
    simple = value.isascii() and value.isprintable() and plain(value) == value
    return value if simple else DoubleQuotedScalarString(value)
