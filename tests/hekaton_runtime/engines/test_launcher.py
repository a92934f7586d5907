"""Engines start in order, come back, say truly what is wrong with them, and end together."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from hekaton_runtime.engines.kinds import Vllm
from hekaton_runtime.engines.launcher import Launcher, chosen
from hekaton_runtime.engines.state import EngineState
from hekaton_runtime.engines.supervisor import Work
from hekaton_runtime.errors import BadInput
from hekaton_runtime.web.serving import serving


async def test_an_engine_starts_only_when_the_one_before_it_is_healthy(run_engines: Any) -> None:
    async with run_engines(first="", second="") as engines:
        await engines.until_ready()
        assert engines.course() == [
            ("first", "start"), ("first", "healthy"), ("second", "start"), ("second", "healthy"),
        ]  # fmt: skip
        assert await engines.launcher.why_not() == ()


async def test_an_engine_waits_for_the_one_in_the_container_before_it(
    run_engines: Any, unused_ports: Callable[[int], list[int]]
) -> None:
    (port,) = unused_ports(1)
    absent = Work(EngineState(model="other", engine="vllm", port=port), (), Vllm().paths, {})
    async with run_engines(absent, second="") as engines:
        await engines.until(lambda states: "before it" in states[0].reason)
        healthy = Starlette(routes=[Route("/health", lambda request: Response())])
        async with serving(healthy, port=port):
            await engines.until_ready()
            assert await engines.launcher.why_not() == ()


def test_a_container_serves_one_model_after_the_one_before_it() -> None:
    works = tuple(
        Work(EngineState(model=name, engine="vllm", port=at), (), Vllm().paths, {})
        for at, name in enumerate("abc")
    )
    assert chosen(works, "") == (works, None)
    assert chosen(works, "a") == (works[:1], None)
    assert chosen(works, "c") == (works[2:], works[1])
    with pytest.raises(BadInput, match="'x' is not served by this formation; known: a, b, c"):
        chosen(works, "x")


async def test_until_then_the_later_one_says_what_it_waits_for(run_engines: Any) -> None:
    async with run_engines(first="crash crash crash crash", second="") as engines:
        await engines.until(lambda states: states[0].phase == "crashed")
        first, second = await engines.launcher.why_not()
    assert first == (
        "engine 'first' is crashed: it ended with exit code 1: ValueError: no such weights"
    )
    assert second == "engine 'second' is waiting: the engine before it is not ready yet"


async def test_a_crashed_engine_comes_back_and_the_others_stay(run_engines: Any) -> None:
    async with run_engines(first="later", second="") as engines:
        await engines.until_ready()
        await engines.until(lambda states: states[0].restarts == 1)
        assert engines.launcher.states[1].phase == "ready"
        await engines.until_ready()
        assert engines.course().count(("second", "start")) == 1


async def test_an_engine_that_ran_out_of_gpu_memory_says_so(run_engines: Any) -> None:
    async with run_engines(first="oom") as engines:
        await engines.until(lambda states: states[0].phase == "out of memory")
        assert "Tried to allocate 20 GiB" in engines.launcher.states[0].reason


async def test_a_killed_engine_is_taken_for_out_of_memory(run_engines: Any) -> None:
    async with run_engines(first="killed") as engines:
        await engines.until(lambda states: states[0].phase == "out of memory")
        assert "137" in engines.launcher.states[0].reason


async def test_a_sick_engine_is_named_and_then_started_again(run_engines: Any) -> None:
    async with run_engines(first="") as engines:
        await engines.until_ready()
        sick = engines.folder / "first.sick"
        sick.touch()
        await engines.until(lambda states: states[0].phase == "unhealthy")
        await engines.until(lambda states: states[0].restarts == 1)
        assert "no health" in engines.launcher.states[0].reason
        sick.unlink()
        await engines.until_ready()


async def test_stopping_ends_all_engines_and_what_they_started(
    run_engines: Any, alive: Callable[[int], bool]
) -> None:
    async with run_engines(first="stubborn", second="") as engines:
        await engines.until_ready()
        pids = [one.pid for one in engines.launcher.states]
        pids += [engines.child("first"), engines.child("second")]
        assert all(map(alive, pids))
    assert [pid for pid in pids if alive(pid)] == []


async def test_an_engine_s_own_figures_are_passed_on(run_engines: Any) -> None:
    async with run_engines(first="") as engines:
        await engines.until_ready()
        assert (await engines.launcher.metrics("first")).body == b'vllm:up{model="first"} 1\n'
        assert (await engines.launcher.metrics("other")).status == 404


async def test_a_program_that_is_absent_is_named(run_engines: Any, tmp_path: Any) -> None:
    state = EngineState(model="m", engine="vllm", port=1)
    launcher = Launcher((Work(state, ("/absent/vllm",), Vllm().paths, {}),))
    stop = asyncio.Event()
    running = asyncio.create_task(launcher.run(stop))
    async with asyncio.timeout(30):
        while launcher.states[0].phase != "crashed":
            await asyncio.sleep(0.02)
    stop.set()
    await running
    reason = launcher.states[0].reason
    assert "'/absent/vllm': No such file" in reason
    assert "pip install vllm" in reason
    assert "HEKATON_VLLM=" in reason
