"""Which paths and branches an answer may name."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.answers import FileChange
from hekaton_runtime.workspace.paths import (
    MOST_BYTES,
    MOST_FILES,
    branch_faults,
    change_faults,
    path_faults,
)

FORBIDDEN = [
    "",
    "/etc/passwd",
    "../x",
    "a/../../x",
    "a/..",
    "./a",
    "a//b",
    "a/",
    "a\0b",
    "a\nb",
    "a\x1bb",
    "a\u202eb",
    "a\\b",
    ".git",
    ".git/config",
    "a/.GIT/hooks/pre-commit",
    ".Git./x",
    ".git /x",
    "git~1/config",
    "GIT~2",
    ".git::$INDEX_ALLOCATION/x",
    ".g\u200cit/config",
    ".g\u00adit/config",
    "\uff0egit/config",
    "x" * 300,
    "a/" * 600 + "a",
    "\ud800",
]
ALLOWED = [
    "a",
    "src/main.py",
    ".gitignore",
    ".github/workflows/ci.yml",
    ".gitattributes",
    "a b.txt",
    "-rf",
    "..a",
    "naïve/日本.txt",
    "git/x",
    "x.git",
    "...",
]


@pytest.mark.parametrize("path", FORBIDDEN, ids=ascii)
def test_a_path_that_leaves_or_touches_git_is_refused(path: str) -> None:
    assert path_faults(path)


@pytest.mark.parametrize("path", ALLOWED, ids=ascii)
def test_an_ordinary_path_is_allowed(path: str) -> None:
    assert path_faults(path) == ()


def test_all_faults_of_a_path_come_at_once() -> None:
    assert len(path_faults("/a/../.git/x\n")) == 4


@given(st.text(max_size=60))
def test_an_allowed_path_stays_inside_and_names_no_git_folder(path: str) -> None:
    if path_faults(path):
        return
    parts = path.split("/")
    assert all(parts)
    assert not {".", ".."} & set(parts)
    assert not {".git"} & {unicodedata.normalize("NFKC", part).casefold() for part in parts}
    assert "\0" not in path
    assert path.isprintable() or all(unicodedata.category(c) not in ("Cc", "Cf") for c in path)


@given(st.lists(st.sampled_from(["..", ".", "", ".git", "a", "b c", "\n"]), min_size=1, max_size=6))
def test_one_bad_part_anywhere_is_enough(parts: list[str]) -> None:
    bad = bool({"..", ".", "", ".git", "\n"} & set(parts))
    assert bool(path_faults("/".join(parts))) is bad


@pytest.mark.parametrize("branch", ["a", "task/1", "wave-1/task-2", "0"])
def test_a_plain_branch_is_allowed(branch: str) -> None:
    assert branch_faults(branch) == ()


@pytest.mark.parametrize(
    "branch",
    ["", "A", "-a", "a/", "/a", "a//b", "a/-b", "a..b", "a.lock", "a b", "a\n", "ä", "a" * 121],
)
def test_another_branch_is_refused(branch: str) -> None:
    assert len(branch_faults(branch)) == 1


def _faults(*changes: FileChange, **modes: str) -> list[str]:
    return [
        text
        for _, text in change_faults(changes, {k.replace("_", "/"): v for k, v in modes.items()})
    ]


def test_a_write_through_a_symbolic_link_or_submodule_is_refused() -> None:
    modes = {"link": "120000", "sub": "160000"}
    link = "symbolic link 'link'"
    assert link in _faults(FileChange(path="link/a"), **modes)[0]
    assert link in _faults(FileChange(path="link"), **modes)[0]
    assert link in _faults(FileChange(path="link/a", delete=True), **modes)[0]
    assert "submodule 'sub'" in _faults(FileChange(path="sub/b"), **modes)[0]


def test_a_file_and_a_folder_of_one_name_are_refused() -> None:
    assert "is a folder" in _faults(FileChange(path="a"), a_b="100644")[0]
    assert "needs a folder where 'a' is a file" in _faults(FileChange(path="a/b"), a="100644")[0]
    assert "both" in _faults(FileChange(path="a"), FileChange(path="a/b"))[0]


def test_a_file_may_become_a_folder_in_one_write() -> None:
    assert _faults(FileChange(path="a", delete=True), FileChange(path="a/b"), a="100644") == []


def test_size_number_and_repetition_are_all_reported() -> None:
    large = FileChange(path="large", content="x" * (MOST_BYTES + 1))
    many = tuple(FileChange(path=f"f{number}") for number in range(MOST_FILES))
    texts = "\n".join(_faults(large, large, *many))
    assert f"{MOST_FILES + 2} files are too many" in texts
    assert "more than once" in texts
    assert f"at most {MOST_BYTES}" in texts
