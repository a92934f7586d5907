"""kill -9 of the conductor at seeded random moments, and resume, until the mission ends."""

import asyncio
import random
import signal
from typing import Any

import pytest


async def killed_often(lab: Any, chance: random.Random, kills: int) -> tuple[Any, int]:
    """The last ending, and how many kills hit a mission under way."""
    done = 0
    while True:
        mission = await lab.mission()
        child = await (lab.start("resume", mission, "--json") if mission else lab.run())
        if done >= kills:
            return await lab.ended(child), done
        events = chance.choice((0, 1, 2, 4, 8, 12))
        alive = await child.until(lambda one, many=events: len(one.events) >= many)
        await asyncio.sleep(chance.uniform(0, 0.9 if not events else 0.1))
        if not alive or child.process.returncode is not None:
            return await lab.ended(child), done
        child.send(signal.SIGKILL)
        await lab.ended(child)
        done += 1
        if mission:
            await lab.check()


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_conductor_killed_anywhere_and_resumed_ends_with_the_same_artifact(
    lab: Any, seed: int, expected_tree: str
) -> None:
    ended, kills = await killed_often(lab, random.Random(seed), 5)
    assert ended.code == 0, ended
    assert kills >= 2
    await lab.check()
    assert await lab.tree() == expected_tree


async def test_an_undisturbed_mission_calls_each_model_once_a_question_and_pays_exactly_that(
    lab: Any, expected_tree: str
) -> None:
    ended = await lab.ended(await lab.run())
    assert (ended.code, ended.last["outcome"]) == (0, "passed"), ended.errors
    await lab.check()
    billed = await lab.billed()
    assert ended.last["tokens"] == sum(one.prompt_tokens + one.completion_tokens for one in billed)
    assert {row["state"] for row in await lab.sql("select state from hekaton.call")} == {"settled"}
    assert await lab.tree() == expected_tree
