"""Corrupted patches: still patches, still Python, never right."""

import ast
from dataclasses import replace

import pytest

from hekaton_runtime.answers import FileChange, Patch
from hekaton_runtime.models.simulated.draws import Draw
from hekaton_runtime.models.simulated.wrong import corrupted

DRAW = Draw(seed=0, model="m", entry="e", sample=0, prompt="p")
CODES = (
    "def f(): return 1\n",
    "class A:\n    async def f(self):\n        return await g()\n",
    "def f():\n    raise NotImplementedError\n",
    "def f():\n    return None\n",
    "x = 1\n",
    "def broken(:\n",
    "",
)


@pytest.mark.parametrize("sample", range(3))
@pytest.mark.parametrize("code", CODES)
def test_a_corrupted_patch_is_another_patch(code: str, sample: int) -> None:
    right = Patch(files=(FileChange(path="a.py", content=code),))
    wrong = corrupted(right, replace(DRAW, sample=sample))
    assert wrong != right
    assert [change.path for change in wrong.files] == ["a.py"]
    ast.parse(wrong.files[0].content)


def test_functions_lose_their_bodies_and_keep_their_signatures(patch: Patch) -> None:
    wrong = {corrupted(patch, replace(DRAW, sample=n)).files[0].content for n in range(20)}
    assert wrong == {
        f'"""Sums."""\n\ndef total(numbers):\n    {body}\n'
        for body in ("raise NotImplementedError", "return None")
    }


def test_tests_and_other_files_stay_as_they_are(patch: Patch) -> None:
    others = (
        FileChange(path="tests/test_sums.py", content="def test_x(): assert True\n"),
        FileChange(path="README.md", content="def f(): x\n"),
        FileChange(path="old.py", delete=True),
    )
    wrong = corrupted(Patch(files=(*patch.files, *others)), DRAW)
    assert wrong.files[1:] == others


def test_a_patch_without_functions_is_spoiled_whole() -> None:
    right = Patch(files=(FileChange(path="a.txt", content="x"), FileChange(path="b", delete=True)))
    wrong = corrupted(right, DRAW)
    assert [change.content for change in wrong.files] == ["SIMULATED wrong answer\n"] * 2
    assert corrupted(wrong, DRAW) != wrong
