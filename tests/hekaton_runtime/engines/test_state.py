"""What an engine's end means, and how long to wait after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.engines.state import EngineState, absent, judged, pause


@pytest.mark.parametrize(
    ("code", "lines", "phase", "said"),
    [
        (1, ["loading", "RuntimeError: CUDA out of memory"], "out of memory", "CUDA out of memory"),
        (1, ["ValueError: No available memory for the cache blocks."], "out of memory", "cache blocks"),
        (137, ["loading"], "out of memory", "137"),
        (-9, [], "out of memory", "137"),
        (1, ["OSError: no such repository", "bye"], "crashed", "exit code 1: OSError: no such"),
        (0, ["bye"], "crashed", "exit code 0: bye"),
        (2, [], "crashed", "it said nothing"),
    ],
)  # fmt: skip
def test_an_end_is_told_from_its_code_and_last_words(
    code: int, lines: list[str], phase: str, said: str
) -> None:
    assert judged(code, lines)[0] == phase
    assert said in judged(code, lines)[1]


@given(lines=st.lists(st.text()), code=st.integers(-64, 255))
def test_a_reason_is_one_bounded_line(lines: list[str], code: int) -> None:
    reason = judged(code, lines)[1]
    assert reason.isprintable()
    assert len(reason) < 400


@given(crashes=st.integers(1, 10_000))
def test_pauses_grow_up_to_a_minute(crashes: int) -> None:
    assert 1 <= pause(crashes) <= pause(crashes + 1) <= 60


def test_a_ready_engine_has_nothing_to_say() -> None:
    state = EngineState(model="m", engine="vllm", port=1, phase="ready")
    assert state.why_not == ""


@pytest.mark.parametrize(
    ("code", "line", "missing"),
    [
        (127, "sh: vllm: not found", True),
        (1, "python: Error while finding spec (ModuleNotFoundError: No module named 'sglang')", True),
        (1, "/usr/bin/python3: No module named sglang", True),
        (1, "ModuleNotFoundError: No module named 'flash_attn'", False),
        (1, "RuntimeError: vllm: CUDA out of memory", False),
    ],
)  # fmt: skip
def test_a_program_that_is_not_installed_is_told_from_one_that_fails(
    code: int, line: str, missing: bool
) -> None:
    assert absent(code, [line]) is missing
