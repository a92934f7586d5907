"""The spec of an observed object as hekaton_api's model, or every reason why it is none. Pure.

The API server has checked the CRD's schema; what a spec still breaks are rules that CEL cannot say,
or a CRD of another version than this operator.
"""

from typing import TypeVar

from pydantic import ValidationError

from hekaton_api.fields import Part
from hekaton_api.problems import REFUSED
from hekaton_operator.objects import Body

Model = TypeVar("Model", bound=Part)


def parsed(model: type[Model], body: Body) -> Model | tuple[str, ...]:
    """Read `spec`; the reasons are sentences with the field's path."""
    try:
        return model.model_validate(body.get("spec") or {}, by_alias=True, by_name=False)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    return tuple(
        f"spec{''.join(_step(part) for part in each['loc'])}: {_words(each['type'], each['msg'])}"
        for each in found
    )


def _step(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"


def _words(kind: str, message: str) -> str:
    return message if kind == REFUSED else f"{message}."
