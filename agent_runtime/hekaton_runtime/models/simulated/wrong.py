"""Turn a right patch into a wrong one that still looks like work: functions without their bodies. Pure."""

import ast

from hekaton_runtime.answers import FileChange, Patch
from hekaton_runtime.models.simulated.draws import Draw
from hekaton_runtime.models.simulated.generate import LABEL

_BODIES = ("raise NotImplementedError", "return None")


def corrupted(patch: Patch, draw: Draw) -> Patch:
    """Empty the functions of every Python file that is no test; else spoil every file.

    The result differs from the patch, also where its functions had no body worth the name.
    """
    first = draw.pick("wrong", len(_BODIES))
    for body in (_BODIES[first], _BODIES[1 - first]):
        emptied = tuple(_emptied(change, body) for change in patch.files)
        if emptied != patch.files:
            return Patch(summary=patch.summary, files=emptied)
    return Patch(summary=patch.summary, files=tuple(_spoiled(change) for change in patch.files))


def _emptied(change: FileChange, body: str) -> FileChange:
    name = change.path.rsplit("/", 1)[-1]
    if change.delete or not name.endswith(".py") or name.startswith(("test_", "conftest")):
        return change
    try:
        module = ast.parse(change.content)
    except (SyntaxError, ValueError, RecursionError):
        return change
    before = ast.dump(module)
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = ast.parse(body).body
    if ast.dump(module) == before:
        return change
    return FileChange(path=change.path, content=ast.unparse(module) + "\n")


def _spoiled(change: FileChange) -> FileChange:
    name = change.path.rsplit("/", 1)[-1]
    said = f"{LABEL} wrong answer"
    text = f"raise NotImplementedError({said!r})\n" if name.endswith(".py") else f"{said}\n"
    if change.content == text:
        text += text
    return FileChange(path=change.path, content=text)
