"""The queue: each key at most once, one worker a key, changes first, failures later and later."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_operator.objects import Key
from hekaton_operator.workqueue import SOMETIME, SOON, Pace, WorkQueue


def key(name: str) -> Key:
    return Key("Mission", "team", name)


@pytest.fixture
async def queue() -> AsyncIterator[WorkQueue]:
    loop = asyncio.get_running_loop()
    made = WorkQueue(loop.time, Pace(first=0.01, longest=0.05), random.Random(1))
    yield made
    made.close()


async def test_a_key_added_twice_is_worked_on_once(queue: WorkQueue) -> None:
    queue.add(key("a"))
    queue.add(key("a"))
    assert (await queue.take())[0] == key("a")
    assert queue.depth == 0


async def test_a_key_added_while_worked_on_comes_again_afterwards(queue: WorkQueue) -> None:
    queue.add(key("a"))
    await queue.take()
    queue.add(key("a"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 0.02)
    queue.done(key("a"))
    assert (await queue.take())[0] == key("a")


async def test_changes_go_before_looking_again(queue: WorkQueue) -> None:
    queue.add(key("old"), SOMETIME)
    queue.add(key("new"), SOON)
    queue.add(key("old2"), SOMETIME)
    queue.add(key("old2"), SOON)
    assert [(await queue.take())[0].name for _ in range(3)] == ["new", "old2", "old"]


async def test_a_key_that_the_server_holds_back_is_hurried_by_no_change(queue: WorkQueue) -> None:
    queue.add(key("a"))
    await queue.take()
    queue.add(key("a"))
    began = asyncio.get_running_loop().time()
    assert queue.failed(key("a"), hold=0.2) >= 0.2
    queue.add(key("a"))
    assert (await queue.take())[0] == key("a")
    assert asyncio.get_running_loop().time() - began >= 0.19
    queue.done(key("a"))
    queue.add(key("a"))
    assert (await asyncio.wait_for(queue.take(), 0.1))[0] == key("a")


async def test_a_failed_key_comes_back_later_and_later(queue: WorkQueue) -> None:
    waits = []
    for _ in range(4):
        queue.add(key("a"))
        await queue.take()
        waits.append(queue.failed(key("a")))
    assert waits[-1] > waits[0]
    assert (await asyncio.wait_for(queue.take(), 2))[0] == key("a")
    queue.done(key("a"))


async def test_of_several_times_the_earliest_counts(queue: WorkQueue) -> None:
    queue.later(key("a"), 60)
    queue.later(key("a"), 0.01)
    queue.later(key("a"), 30)
    assert (await asyncio.wait_for(queue.take(), 2))[0] == key("a")
    queue.done(key("a"))


async def test_the_age_of_the_oldest_key_counts_those_worked_on(queue: WorkQueue) -> None:
    assert queue.oldest() == 0
    queue.add(key("a"))
    await queue.take()
    await asyncio.sleep(0.02)
    assert queue.oldest() >= 0.01
    queue.done(key("a"))
    assert queue.oldest() == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=60), st.integers(1, 4))
def test_no_key_is_lost_doubled_or_worked_on_by_two(
    adds: list[tuple[int, int]], workers: int
) -> None:
    """Adds and workers interleave; every add is followed by a reconcile that began after it."""

    async def play() -> None:
        queue = WorkQueue(asyncio.get_running_loop().time)
        busy: set[Key] = set()
        begun: dict[Key, int] = {}
        added: dict[Key, int] = {}
        moment = 0

        async def work() -> None:
            nonlocal moment
            while True:
                taken, _ = await queue.take()
                assert taken not in busy
                busy.add(taken)
                moment += 1
                begun[taken] = moment
                await asyncio.sleep(0)
                busy.remove(taken)
                queue.done(taken)

        tasks = [asyncio.create_task(work()) for _ in range(workers)]
        for name, pause in adds:
            moment += 1
            added[key(str(name))] = moment
            queue.add(key(str(name)))
            for _ in range(pause):
                await asyncio.sleep(0)
        for _ in range(400):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert queue.depth == 0
        assert all(begun[each] > at for each, at in added.items())

    asyncio.run(play())
