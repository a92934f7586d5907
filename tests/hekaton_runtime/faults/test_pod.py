"""Broker and agents as processes: each is killed while it has orders in hand, and started again."""

import asyncio
from collections.abc import Callable
from typing import Any


def asked(agent: str) -> Callable[[Any], bool]:
    """An order for this agent is under way."""

    def seen(child: Any) -> bool:
        kinds = [one["type"] for one in child.events if one.get("agent") == agent]
        return kinds.count("Asking") > kinds.count("Replied")

    return seen


async def states(lab: Any, agent: str) -> list[str]:
    rows = await lab.sql(
        "select state from hekaton.call where agent = $1 order by opened_at", agent
    )
    return [row["state"] for row in rows]


async def test_a_killed_agent_costs_one_question_more_and_nothing_else(
    pod: Any, expected_tree: str
) -> None:
    conductor = await pod.conduct()
    assert await conductor.until(asked("sapper"))
    await asyncio.sleep(0.2)
    await pod.kill(pod.agents["sapper"])
    await pod.start_agent("sapper")
    ended = await pod.lab.ended(conductor)
    assert ended.code == 0, ended
    assert "unknown" in await states(pod.lab, "sapper")
    await pod.lab.check()
    assert await pod.lab.tree() == expected_tree


async def test_a_mission_survives_its_broker_being_killed_in_the_midst_of_a_debate_round(
    pod: Any, expected_tree: str
) -> None:
    conductor = await pod.conduct()
    assert await conductor.until(asked("reasoner"))
    await asyncio.sleep(0.2)
    await pod.kill(pod.broker)
    await pod.start_broker()
    ended = await pod.lab.ended(conductor)
    assert ended.code == 0, ended
    assert await states(pod.lab, "reasoner") != []
    await pod.lab.check()
    assert await pod.lab.tree() == expected_tree
