"""Names of runs and missions: the same arguments give the same ones, so that a run can go on. Pure."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from hekaton_runtime.errors import BadInput

LONGEST = 40
"""Characters of a task in a mission's id; a name of the API has at most 63."""
RUN = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def slug(text: str, longest: int = LONGEST) -> str:
    """`HumanEval/12` -> `humaneval-12`."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return plain[:longest].strip("-") or "task"


def slugs(tasks: Sequence[str]) -> dict[str, str]:
    """A slug of its own for each task; those that would share one get a part of their digest."""
    count = Counter(slug(task) for task in tasks)
    return {
        task: slug(task) if count[slug(task)] == 1 else f"{slug(task, 31)}-{digest(task)}"
        for task in tasks
    }


def digest(*parts: str | bytes) -> str:
    """Eight hex digits that any change of any part changes."""
    made = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        made.update(len(data).to_bytes(8, "big") + data)
    return made.hexdigest()[:8]


def mission_id(run: str, task: str, mode: str, seed: int | None) -> str:
    """`task` is a slug; `seed` None where the run has only one."""
    return "-".join([run, task, mode, *([] if seed is None else [f"s{seed}"])])


def checked_run(name: str) -> str:
    """Raises `BadInput` for a name that cannot begin a mission's id."""
    if not RUN.fullmatch(name):
        said = f"--run: {name!r} is no name. Give at most 40 of a-z, 0-9 and inner hyphens."
        raise BadInput([said])
    return name
