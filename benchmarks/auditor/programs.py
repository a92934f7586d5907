"""Correct programs with tests: our missions' reference solutions, and tasks of a file in HumanEval's form.

Their tests stand twice: whole, to tell a defect from a harmless change, and weakened, as the acceptance
that a defect must pass to reach a reviewer at all.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hekaton_api.load import load
from hekaton_api.mission import Mission
from hekaton_runtime.answers import Patch
from hekaton_runtime.bench.dataset import Problem, read
from hekaton_runtime.bench.judge import COMMAND, FILE, SOLUTION, judge
from hekaton_runtime.brief import FileText
from hekaton_runtime.models.simulated import book_yaml

MISSIONS = Path(__file__).resolve().parent.parent.parent / "manifests" / "missions"
KEPT = 3
"""Every third test is kept in the weakened acceptance."""


@dataclass(frozen=True, slots=True)
class Program:
    """One goal with a solution that is right."""

    name: str
    goal: str
    start: tuple[FileText, ...]
    """The tree before the change; its tests are the weakened ones."""
    solution: tuple[FileText, ...]
    tests: tuple[FileText, ...]
    """The whole tests, laid over the tree to find out what is true."""
    commands: tuple[str, ...]


def of_missions() -> tuple[Program, ...]:
    return tuple(
        _mission(path) for path in sorted(MISSIONS.glob("*.yaml")) if "book" not in path.name
    )


def _mission(path: Path) -> Program:
    mission = load(path)[0]
    assert isinstance(mission, Mission)
    spec, book = mission.spec, path.with_suffix(".book.yaml")
    entries = {one.key: one for one in book_yaml.load(book.read_text(), book.name).entries}
    patch = msgspec.convert(entries[mission.metadata.name].answers["patch"], Patch)
    files = [FileText(path=one.path, text=one.content) for one in spec.workspace.files or ()]
    hidden = [FileText(path=one.path, text=one.content) for one in spec.acceptance.files]
    tests = tuple(
        one for one in (*files, *hidden) if one.path.endswith(".py") and "unittest" in one.text
    )
    plain = tuple(one for one in files if one not in tests)
    return Program(
        mission.metadata.name, spec.goal,
        (*plain, *(FileText(path=one.path, text=weaker(one.text)) for one in tests)),
        tuple(FileText(path=one.path, text=one.content) for one in patch.files),
        tests, spec.acceptance.commands,
    )  # fmt: skip


def of_data(path: Path, most: int) -> tuple[Program, ...]:
    return tuple(_task(problem) for problem in read(path, "--data")[:most])


def _task(problem: Problem) -> Program:
    less = msgspec.structs.replace(problem, test=weaker(problem.test))
    return Program(
        problem.task_id, problem.prompt,
        (FileText(path=SOLUTION, text=problem.prompt), FileText(path=FILE, text=judge(less))),
        (FileText(path=SOLUTION, text=problem.prompt + problem.canonical_solution),),
        (FileText(path=FILE, text=judge(problem)),), (COMMAND,),
    )  # fmt: skip


def weaker(tests: str) -> str:
    """Every third test method, and every third statement of a function `check`, at least one of each."""
    tree = ast.parse(tests)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods = [one for one in node.body if _is_test(one)]
            gone = [one for index, one in enumerate(methods) if index % KEPT]
            node.body = [one for one in node.body if one not in gone]
        elif isinstance(node, ast.FunctionDef) and node.name == "check":
            asserts = [one for one in node.body if isinstance(one, ast.Assert)]
            gone_asserts = [one for index, one in enumerate(asserts) if index % KEPT]
            node.body = [one for one in node.body if one not in gone_asserts]
    return ast.unparse(tree) + "\n"


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test")
