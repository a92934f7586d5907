"""The shape of the repository: what lies where, how large it is, and what must never lie there."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import hekaton_api.version

ROOT = Path(__file__).resolve().parent.parent
SOURCE_ROOTS = {
    "crds": "hekaton_api",
    "operator": "hekaton_operator",
    "agent_runtime": "hekaton_runtime",
    "quant": "hekaton_quant",
}
TOP = {
    "pyproject.toml", "README.md", "Dockerfile", "charts", "crds", "operator", "agent_runtime", "quant", "manifests",
    "tests", "e2e", "Makefile", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "constraints.txt", "docs", "benchmarks",
}  # fmt: skip
FILES = sorted(
    path
    for folder in (*SOURCE_ROOTS, "tests", "benchmarks", "e2e")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)


def tracked() -> list[str]:
    said = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if said.returncode:  # an unpacked archive has no git
        return [str(path.relative_to(ROOT)) for path in FILES]
    return said.stdout.splitlines()


def is_test(path: Path) -> bool:
    return bool({"tests", "e2e"} & set(path.relative_to(ROOT).parts))


def test_the_top_level_holds_what_the_design_names_and_no_more() -> None:
    top = {Path(name).parts[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} <= TOP


@pytest.mark.parametrize("folder", SOURCE_ROOTS)
def test_a_source_root_holds_its_package_and_no_python_of_its_own(folder: str) -> None:
    python = {
        Path(name).parts[1]
        for name in tracked()
        if name.startswith(f"{folder}/") and name.endswith(".py")
    }
    assert python <= {SOURCE_ROOTS[folder]}


def test_the_standard_operator_module_wins_in_the_repository_root() -> None:
    code = "import operator, random; print(operator.__file__)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert str(ROOT) not in said.stdout


def test_no_test_folder_is_a_package() -> None:
    assert [path for path in FILES if path.name == "__init__.py" and is_test(path)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_stays_small_enough_to_read_in_one_go(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= (500 if is_test(path) else 300)
    if path.name != "__init__.py":
        assert ast.get_docstring(ast.parse(text)), "a module begins with why it exists"
    else:
        assert text == "", "packages import nothing"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_function_fits_on_a_screen(path: Path) -> None:
    long = [
        f"{node.name} at line {node.lineno}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > (60 if is_test(path) else 40)
    ]
    assert long == []


def test_the_changelog_begins_with_this_version() -> None:
    heads = [
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## [")
    ]
    assert heads[0].startswith(f"## [{hekaton_api.version.__version__}]")


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    names = tomllib.loads(text)["project"]["dependencies"]
    lines = text.splitlines()
    assert [
        name for name in names if not any(f'"{name}",' in line and "#" in line for line in lines)
    ] == []
