"""`hekaton conductor --id`: a mission as a Job works it, begun or gone on with, on whatever machine.

Its exit codes are for the Job: 0, 1, 2 and 3 are final; `AGAIN` means that nothing was lost and that
the same command goes on.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

from hekaton_api.formation import Formation
from hekaton_api.load import check
from hekaton_api.mission import Mission
from hekaton_runtime.bus.keys import PeerKeys
from hekaton_runtime.cli.documents import formation_named, read
from hekaton_runtime.cli.ending import conclude, over, retell
from hekaton_runtime.cli.preflight import refuse_unstartable
from hekaton_runtime.cli.running import Show, course_view, endpoints_behind, watched
from hekaton_runtime.cli.serving import peer_keys
from hekaton_runtime.conductor.grounds import GIT_KEY, Grounds
from hekaton_runtime.conductor.lease import Busy
from hekaton_runtime.conductor.records import Options, Record, find_exactly, status
from hekaton_runtime.conductor.work import Finished, Office, begin, folder
from hekaton_runtime.errors import BadInput, Fenced, NotLetIn, Unavailable
from hekaton_runtime.permits.keys import KeyFile
from hekaton_runtime.permits.signer import Signer
from hekaton_runtime.settings import Settings, from_environ
from hekaton_runtime.store.open import open_database
from hekaton_runtime.workspace.remote import RemoteSandbox

AGAIN = 75  # EX_TEMPFAIL of sysexits.h


@dataclass(frozen=True, slots=True)
class Conducting:
    """The command line of `conductor --id`."""

    id: str
    files: tuple[Path, ...]
    formation: str
    bus: str
    keys: Path | None = None
    permits: Path | None = None
    workspace: Path | None = None
    """Socket of the workspace container."""
    source: Path | None = None
    artifact: Path | None = None
    unsafe: bool = False
    show: Show = Show(as_json=False, plain=True)


def conduct(wanted: Conducting) -> int:
    """The exit code; raises `BadInput`."""
    mission, formation = _documents(wanted)
    if wanted.workspace is None:  # a container of its own may have another shell
        refuse_unstartable(mission)
    try:
        return asyncio.run(_conduct(from_environ(), wanted, mission, formation))
    except (Unavailable, Fenced, Busy, NotLetIn) as fault:  # the operator mends its Secret
        print(f"not finished: {fault}", flush=True)
        return AGAIN


def _documents(wanted: Conducting) -> tuple[Mission, Formation]:
    """The one mission, and the snapshot of its formation, which has no namespace of its own."""
    missions = [one for one in read(list(wanted.files)) if isinstance(one, Mission)]
    if len(missions) != 1:
        raise BadInput([f"{len(missions)} missions are given; `conductor` takes exactly one."])
    mission, formation = (
        missions[0],
        formation_named(wanted.formation or missions[0].spec.formation),
    )
    space = {"namespace": mission.metadata.namespace}
    metadata = formation.metadata.model_copy(update=space)
    formation = formation.model_copy(update={"metadata": metadata})
    if faults := check(mission, (formation,)):
        raise BadInput([str(fault) for fault in faults])
    return mission, formation


async def _conduct(
    settings: Settings, wanted: Conducting, mission: Mission, formation: Formation
) -> int:
    grounds = _grounds(wanted)
    signer = Signer(KeyFile(wanted.permits).key) if wanted.permits else None
    keys = peer_keys("conductor", wanted.keys)
    async with open_database(settings, wait=True) as database:
        record = await find_exactly(database, wanted.id)
        if record is None:
            options = Options(home=str(settings.home), unsafe_no_sandbox=wanted.unsafe)
            record = Record(wanted.id, mission, formation, options, int(time.time()))
            await begin(database, record, grounds)
        elif over(now := await status(database, record.id)):  # its Job may not have heard of it
            return retell(now, folder(record), as_json=wanted.show.as_json)
        names = endpoints_behind(record.formation.spec, record.options)
        office = Office(
            database, wanted.bus, {name: one.model for name, one in names.items()},
            keys, settings.lease, rekeyed=lambda: _rekeyed(keys, wanted.keys), signer=signer,
            grounds=grounds, workers=settings.workers,
        )  # fmt: skip
        finished = await watched(record, office, await course_view(database, record, wanted.show))
    return _code(finished, wanted.show)


def _rekeyed(held: PeerKeys | None, folder: Path | None) -> bool:
    """Whether other keys lie there than those that were read; what cannot be read now says nothing."""
    try:
        return peer_keys("conductor", folder) != held
    except BadInput:
        return False


def _grounds(wanted: Conducting) -> Grounds:
    sandbox = RemoteSandbox(wanted.workspace) if wanted.workspace else None
    key = os.environ.get(GIT_KEY, "")
    return Grounds(sandbox, wanted.source, wanted.artifact, key, kept=True)


def _code(finished: Finished, show: Show) -> int:
    code = conclude(finished, as_json=show.as_json)
    return AGAIN if finished.ending.resumable else code
