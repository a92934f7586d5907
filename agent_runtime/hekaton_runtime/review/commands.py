"""The shell command for each tool: isolated, without caches, on named files only. Pure.

No tool reads a configuration or a suppression comment of the tree: whoever is judged cannot soften the
judge. `python -I` keeps modules of the tree from standing in for the tools.
"""

from shlex import join, quote
from typing import assert_never

from hekaton_runtime.brief import ToolName

ABSENT = 97
"""Exit code of a command whose tool is not installed."""
RULES = "E4,E7,E9,F,B,PLE"
"""Of ruff: what is wrong or nearly always a mistake; no formatting, no taste."""
IGNORED = "B028,B904,B905"
"""Of those: advice that correct code may ignore."""
FOUND = "import importlib.util as u, sys; sys.exit(97 if u.find_spec(sys.argv[1]) is None else 0)"
WATCHED = """[run]
source = .
parallel = true
data_file = ${TMPDIR}/hekaton-coverage/data
[report]
include_namespace_packages = true
ignore_errors = true
exclude_lines = ^(?!)$
"""
"""Of coverage: every file of the tree, also those never imported; no line may be excluded."""


def there(tool: ToolName) -> str:
    """Says nothing; exits with `ABSENT` where there is no such tool."""
    return f"python -I -c {quote(FOUND)} {tool} || exit {ABSENT}\n"


def command(tool: ToolName, paths: tuple[str, ...], acceptance: tuple[str, ...]) -> str:
    """Prints the tool's JSON and nothing else; exits with `ABSENT` where there is no such tool."""
    names = [f"./{path}" for path in paths]
    check = there(tool)
    match tool:
        case "ruff":
            options = ("--isolated", "--no-cache", "--ignore-noqa", "--output-format=json")
            return check + _run("ruff", "check", *options, *LINT, "--", *names)
        case "bandit":
            options = ("--quiet", "--format=json", "--ignore-nosec", "--skip=B101")
            return check + _run("bandit", *options, "--", *names)
        case "mypy":
            return check + _sources(paths) + _run("mypy", *MYPY, "--", *names)
        case "coverage":
            return check + _coverage(paths, acceptance)
        case _:
            assert_never(tool)


LINT = (f"--select={RULES}", f"--ignore={IGNORED}")
MYPY = (
    *("--config-file=", "--no-incremental", "--cache-dir=/dev/null", "--output=json"),
    *("--no-site-packages", "--ignore-missing-imports", "--follow-imports=silent"),
    *("--check-untyped-defs", "--explicit-package-bases", "--no-error-summary"),
)


def _sources(paths: tuple[str, ...]) -> str:
    """Where modules begin: below `src/`, if that is how the tree is laid out."""
    return "export MYPYPATH=src\n" if any(path.startswith("src/") for path in paths) else ""


def _run(module: str, *words: str) -> str:
    return join(("python", "-I", "-m", module, *words)) + " 2>/dev/null"


def _coverage(paths: tuple[str, ...], acceptance: tuple[str, ...]) -> str:
    """Acceptance runs as ever, but each Python that it starts takes notes; then they are put together."""
    place = '"$TMPDIR/hekaton-coverage"'
    lines = [f"mkdir -p {place}", f"printf %s {quote(WATCHED)} > {place}/rc"]
    watched = f"COVERAGE_PROCESS_START={place}/rc /bin/sh -c"
    lines += [f"{watched} {quote(one)} >/dev/null 2>&1 </dev/null" for one in acceptance]
    python = f"python -I -m coverage {{}} --quiet --rcfile={place}/rc"
    lines.append(f"{python.format('combine')} >/dev/null 2>&1")
    lines.append(
        f"{python.format('json')} -o - --include={quote(','.join(paths))} 2>/dev/null"
        if paths
        else "exit 1"
    )
    return "\n".join(lines)
