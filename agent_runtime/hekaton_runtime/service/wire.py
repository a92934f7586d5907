"""The bodies of requests and of refusals."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from hekaton_api.mission import MAX_GOAL, Mode
from hekaton_runtime.service.desk import Submission

VISIBLE = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"
"""Something that can be seen, and no NUL, which no database keeps as text."""
Text = Annotated[str, Field(min_length=1, pattern=VISIBLE)]


def _number(value: object) -> object:
    """What JSON Schema takes for an integer, 5000.0 among them, and nothing else."""
    if isinstance(value, bool | str):
        raise ValueError("is no whole number; give one without quotes, e.g. 5000")
    return value


class Task(BaseModel):
    """A task in words, with the most that it may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_description: Annotated[Text, Field(max_length=MAX_GOAL)]
    """What to reach."""
    total_budget_tokens: Annotated[int, Field(ge=1, le=1_000_000_000_000), BeforeValidator(_number)]
    """Tokens, prompt and answer together; never exceeded."""
    mode: Mode | None = None
    """How it is worked; absent: as the service was started."""
    acceptance: Annotated[
        tuple[Annotated[Text, Field(max_length=4096)], ...], Field(max_length=16)
    ] = ()
    """Shell commands that must pass. Absent: the task passes when its work is done and reviewed."""

    def submission(self, word: str | None) -> Submission:
        return Submission(
            self.task_description, self.total_budget_tokens, self.mode, self.acceptance, word
        )


class Fault(BaseModel):
    """Why it was refused: every reason at once, each a sentence."""

    model_config = ConfigDict(frozen=True)

    reasons: tuple[str, ...]
