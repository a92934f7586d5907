"""Missions in one process of ours, one after the other, as `hekaton run` works them: for who wants to stop them.

A block names a mission and is answered when it has ended, with the moment by the machine's own clock.
"""

import asyncio
import sys
import time
from pathlib import Path

from blocks import Asked, serve_async

from hekaton_runtime.cli.documents import one_mission
from hekaton_runtime.conductor.naming import Override, endpoints
from hekaton_runtime.conductor.records import Options, Record, create
from hekaton_runtime.conductor.staff import staffed
from hekaton_runtime.conductor.work import Office, stage, work
from hekaton_runtime.store.postgres import connect


async def main(file: str, dsn: str, url: str, home: str) -> None:
    # Without the auditor's tools, which would take most of a mission's time and of its random moments.
    mission, formation = one_mission([Path(file)], "", "", ["review.evidence=[]"])
    models = endpoints(formation.spec, Override(url), {})
    names = {name: one.model for name, one in models.items()}
    options = Options(home=home, base_url=url)
    async with connect(dsn) as database, staffed(formation.spec, models) as bus:

        async def block(asked: Asked) -> Asked:
            record = Record(asked["mission"], mission, formation, options, int(time.time()))
            await stage(record)
            await create(database, record)
            never = asyncio.get_running_loop().create_future()
            done = await work(record, Office(database, bus, names), lambda event: None, never)
            return {"ended": time.monotonic(), "kind": done.ending.kind}

        await serve_async(block)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
