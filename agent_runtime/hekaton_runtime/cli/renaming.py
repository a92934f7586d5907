"""Fields of a drafted mission under the names of the options that they were given by."""

from collections.abc import Iterator
from contextlib import contextmanager

from hekaton_runtime.errors import BadInput

OPTIONS = {
    "spec.budget.wallClock:": "--wall-clock:",
    "spec.budget.usd:": "--budget-usd:",
    "spec.mode:": "--mode:",
    "spec.formation:": "--formation:",
}


@contextmanager
def by_option() -> Iterator[None]:
    """Raises `BadInput` anew, with options in place of fields."""
    try:
        yield
    except BadInput as fault:
        raise BadInput([_renamed(reason) for reason in fault.reasons]) from fault


def _renamed(reason: str) -> str:
    field = next((one for one in OPTIONS if reason.startswith(one)), "")
    return OPTIONS.get(field, "") + reason.removeprefix(field)
