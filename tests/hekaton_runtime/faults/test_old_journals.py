"""A journal that today's strategy cannot go on with: said in words, nothing spent, and not the mission's end."""

import signal
from typing import Any

import pytest

CHANGED = "substr(sha256(fingerprint), 1, 8), body"
UNREADABLE = "fingerprint, '\\xc1'::bytea"


@pytest.mark.parametrize("doctored", [CHANGED, UNREADABLE], ids=["changed", "unreadable"])
async def test_a_journal_of_another_version_stops_the_mission_until_that_version_resumes_it(
    lab: Any, doctored: str, expected_tree: str, open_calls: str
) -> None:
    child = await lab.run()
    assert await child.until(lambda one: len(one.events) >= 12), child.errors
    child.send(signal.SIGKILL)
    await lab.ended(child)
    mission, billed = await lab.mission(), await lab.billed()
    await lab.sql("create table kept as select * from hekaton.journal where path = '/1'")
    await lab.sql("delete from hekaton.journal where path = '/1'")
    columns = "(mission_id, path, fingerprint, body, token)"
    await lab.sql(
        f"insert into hekaton.journal {columns} select mission_id, path, {doctored}, token from kept"
    )
    refused = await lab.call("resume", mission, "--json")
    assert refused.code == 3, refused
    assert refused.last["reason"].startswith("/1: ")
    assert "finish it with that version, or run it anew" in refused.last["reason"]
    assert "Traceback" not in refused.errors
    assert await lab.state() == ("stopped", "diverged")
    assert await lab.sql(open_calls) == []
    assert await lab.billed() == billed
    told = await lab.call("replay", mission)
    assert told.code == 3
    assert "another version" in told.errors
    await lab.sql("delete from hekaton.journal where path = '/1'")
    await lab.sql(
        f"insert into hekaton.journal {columns} select mission_id, path, fingerprint, body, token from kept"
    )
    resumed = await lab.call("resume", mission, "--json")
    assert resumed.code == 0, resumed
    await lab.check()
    assert await lab.tree() == expected_tree
