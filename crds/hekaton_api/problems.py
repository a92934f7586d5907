"""How a rule says no: where, what is wrong, and what to do instead.

pydantic lets a validator raise one error; `refuse` packs any number of problems into that one, and
the loader unpacks them, so that a user sees all of them at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

REFUSED = "hekaton_refused"
"""The pydantic error type that carries problems."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule."""

    at: tuple[str | int, ...]
    """The field, relative to the model whose rule it is, in the names used in YAML."""
    problem: str
    """What is wrong, to be read after the value, without a full stop."""
    remedy: str
    """What to do, as a sentence."""

    def __str__(self) -> str:
        where = ".".join(str(part) for part in self.at)
        return f"{where}{': ' if where else ''}{self.problem}. {self.remedy}"


def refuse(problems: Iterable[Problem]) -> None:
    """Raise one pydantic error that carries all problems; return if there are none."""
    found = tuple(problems)
    if found:
        words = "; ".join(str(problem) for problem in found)
        raise PydanticCustomError(REFUSED, "{words}", {"words": words, "problems": found})


def carried(context: object) -> tuple[Problem, ...]:
    """The problems inside the `ctx` of a pydantic error of type `REFUSED`."""
    held = context.get("problems", ()) if isinstance(context, dict) else ()
    return tuple(problem for problem in held if isinstance(problem, Problem))
