"""When a merge is known without git: only where two tasks touched nothing that concerns the other."""

import pytest

from hekaton_runtime.workspace.git import Entry
from hekaton_runtime.workspace.known import Known, Shelf, Step

START = ("a.txt", "dir/b.txt")


def _entry(path: str, blob: str = "new") -> Entry:
    return Entry(path, "100644", blob, 1)


def _task(known: Known, name: str, *puts: str, removes: tuple[str, ...] = ()) -> None:
    known.moved(name, name, ("base",), Step(tuple(_entry(path) for path in puts), removes))


@pytest.fixture
def known() -> Known:
    """What is known when a branch with two files has been read."""
    found = Known()
    found.saw("base", (_entry(path, "old") for path in START))
    return found


def test_a_task_beside_another_brings_its_files_without_git(known: Known) -> None:
    _task(known, "mine", "a.txt", "dir/new.txt")
    _task(known, "other", "dir/b.txt")
    assert known.joining("mine", "other") == (_entry("a.txt"), _entry("dir/new.txt"))


def test_of_several_commits_the_last_word_on_a_file_counts(known: Known) -> None:
    _task(known, "mine", "a.txt")
    known.moved("mine", "later", ("mine",), Step((_entry("a.txt", "latest"),)))
    _task(known, "other", "dir/b.txt")
    assert known.joining("later", "other") == (_entry("a.txt", "latest"),)


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        pytest.param(("a.txt",), ("a.txt",), id="both change a file"),
        pytest.param(("new",), ("new",), id="both make a file"),
        pytest.param(("new/in.txt",), ("new",), id="a folder where the other made a file"),
        pytest.param(("new",), ("new/in.txt",), id="a file where the other made a folder"),
    ],
)
def test_where_two_tasks_meet_git_is_asked(
    known: Known, mine: tuple[str, ...], other: tuple[str, ...]
) -> None:
    _task(known, "mine", *mine)
    _task(known, "other", *other)
    assert known.joining("mine", "other") is None


@pytest.mark.parametrize("remover", ["mine", "other"])
def test_where_a_file_was_removed_git_is_asked(known: Known, remover: str) -> None:
    for name in ("mine", "other"):
        removes = ("a.txt",) if name == remover else ()
        _task(known, name, f"{name}.txt", removes=removes)
    assert known.joining("mine", "other") is None


def test_a_commit_of_another_process_is_git_s_to_join(known: Known) -> None:
    _task(known, "mine", "a.txt")
    assert known.joining("stranger", "mine") is None
    assert known.joining("mine", "stranger") is None


def test_a_shelf_forgets_the_oldest_and_keeps_the_newest_however_large() -> None:
    shelf: Shelf[bytes] = Shelf(10)
    for name, size in (("a", 4), ("b", 4), ("a", 4), ("c", 4)):
        shelf.put(name, bytes(size))
    assert [shelf.get(name) is not None for name in "abc"] == [True, False, True]
    shelf.put("d", bytes(50))
    assert [shelf.get(name) is not None for name in "abcd"] == [False, False, False, True]
