"""Read tasks in the form of HumanEval: JSON lines, plain or gzipped.

A line that cannot be used is refused with its number and what to do, all such lines at once: a
benchmark that drops tasks silently measures something else.
"""

import ast
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hekaton_api.mission import MAX_GOAL
from hekaton_api.nul import HOLDS, NUL, REMEDY
from hekaton_runtime.errors import BadInput

GZIP = b"\x1f\x8b"
ROOM = 1_000
"""Characters of a goal that the instruction around a prompt may take."""
SHOWN = 20
"""Characters before and behind a NUL that a message shows."""
LONGEST_TEST = 100_000
"""Characters; its file in a mission may be longer, since line ends are escaped there."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One task; further fields of its line are ignored."""

    task_id: str
    prompt: str
    """The beginning of a file, up to where the function's body is missing."""
    entry_point: str
    """The function that is called."""
    test: str
    """Python that defines `check(candidate)`, which raises for a wrong candidate."""
    canonical_solution: str = ""
    """The missing body; only simulated models need it."""


def read(path: Path, option: str = "--dataset") -> tuple[Problem, ...]:
    """Every task of a file; raises `BadInput` with every reason. `option` is what named the file."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data.startswith(GZIP) else data).decode()
    except OSError as fault:
        why = fault.strerror or str(fault)
        raise BadInput([f"{option}: {path}: {why}. Give a file of JSON lines, or .gz."]) from fault
    except (EOFError, zlib.error, UnicodeDecodeError) as fault:
        raise BadInput([f"{option}: {path}: {fault}. Give UTF-8 text, plain or .gz."]) from fault
    return parse(text, str(path))


def parse(text: str, file: str) -> tuple[Problem, ...]:
    """Every task of a text; `file` is only shown. Raises `BadInput`."""
    problems: list[Problem] = []
    reasons: list[str] = []
    known: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            problem = msgspec.json.decode(line, type=Problem)
        except msgspec.DecodeError as fault:
            fields = ", ".join(Problem.__struct_fields__)
            reasons.append(f"{file}:{number}: {fault}. Give an object with {fields}.")
            continue
        reasons += [f"{file}:{number}: {said}" for said in faults(problem)]
        if (first := known.setdefault(problem.task_id, number)) != number:
            said = f"task_id {problem.task_id!r} is that of line {first} too; give each its own."
            reasons.append(f"{file}:{number}: {said}")
        problems.append(problem)
    if not problems and not reasons:
        reasons.append(f"{file}: holds no task. Give one JSON object a line.")
    if reasons:
        raise BadInput(reasons)
    return tuple(problems)


def faults(problem: Problem) -> Iterator[str]:
    """What is wrong with one task."""
    if not problem.task_id.strip():
        yield "task_id is empty. Give each task a name of its own."
    if not problem.prompt.strip():
        yield "prompt is empty. Give the beginning of the file that is to be completed."
    if len(problem.prompt) > MAX_GOAL - ROOM:
        yield f"prompt has {len(problem.prompt)} characters. Keep it below {MAX_GOAL - ROOM}."
    if not problem.entry_point.isidentifier():
        yield f"entry_point {problem.entry_point!r} is no Python name. Give the function's name."
    if len(problem.test) > LONGEST_TEST:
        yield f"test has {len(problem.test)} characters. Keep it below {LONGEST_TEST}."
    texts = ("task_id", "prompt", "test", "canonical_solution")
    for name, text in ((name, getattr(problem, name)) for name in texts):
        if (at := text.find(NUL)) >= 0:
            yield f"{name}: {text[max(0, at - SHOWN) : at + SHOWN]!r} {HOLDS}. {REMEDY}"
    if NUL not in problem.test:
        yield from _no_check(problem.test)


def _no_check(test: str) -> Iterator[str]:
    try:
        tree = ast.parse(test)
    except (SyntaxError, ValueError) as fault:
        yield f"test is no Python ({fault}). Give code that defines check(candidate)."
        return
    if "check" not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}:
        yield "test defines no function check. Give code that defines check(candidate)."
