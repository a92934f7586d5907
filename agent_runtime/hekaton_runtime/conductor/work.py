"""Work one mission from its row to its SITREP: the conductor's composition, local or in a cluster."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hekaton_api.sources import Workspace as WorkspaceSource
from hekaton_runtime.brief import FileText
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.keys import PeerKeys
from hekaton_runtime.conductor import accounting
from hekaton_runtime.conductor.asking import Asker, Patience, Purse
from hekaton_runtime.conductor.assigning import assignment, seats
from hekaton_runtime.conductor.conduct import Conductor, Ending, Halt, Job
from hekaton_runtime.conductor.engine import Course, Engine, Known
from hekaton_runtime.conductor.events import Watch
from hekaton_runtime.conductor.lease import owned
from hekaton_runtime.conductor.performing import Doors
from hekaton_runtime.conductor.records import Record
from hekaton_runtime.conductor.reporting import sitrep
from hekaton_runtime.conductor.rounds import Rounder
from hekaton_runtime.errors import BadInput, Fenced
from hekaton_runtime.journal.postgres import Journal, load
from hekaton_runtime.ledger.accounts import Ledger
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.report.sitrep import json_bytes, markdown
from hekaton_runtime.report.values import Artifact, Sitrep
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.workspace.artifact import export
from hekaton_runtime.workspace.prepare import Clone, Inline, Source, prepare
from hekaton_runtime.workspace.protocol import Sandbox
from hekaton_runtime.workspace.repository import GitWorkspace
from hekaton_runtime.workspace.sandbox import LandlockSandbox, Unconfined


@dataclass(frozen=True, slots=True)
class Office:
    """Where a conductor works."""

    database: Database
    bus: str
    """The broker's address."""
    models: Mapping[str, str]
    """The name that each model of the formation has at its endpoint."""
    keys: PeerKeys | None = None
    lease: float = 15.0
    """Seconds after which a silent conductor's mission may be taken over."""
    patience: Patience = Patience()


@dataclass(frozen=True, slots=True)
class Finished:
    """A mission's ending and where its papers are."""

    ending: Ending
    report: Sitrep
    folder: Path


async def work(
    record: Record, office: Office, watch: Watch, interrupt: "asyncio.Future[Halt]"
) -> Finished:
    """Own the mission, replay, go on, export, report. Raises `Fenced`, `BadInput`, `Unavailable`."""
    database = office.database
    async with owned(database, record.id, office.lease, patience=office.lease + 5) as token:
        if not await database.value("select hekaton.begin($1, $2)", record.id, token):
            raise Fenced(f"Another conductor has taken mission {record.id!r}.")
        spec = record.mission.spec
        ledger = Ledger(database, record.id, token)
        await ledger.cap("", Amount(spec.budget.tokens, spec.budget.usd_micros))
        await ledger.forfeit()
        workspace = await open_workspace(record)
        course = Course()
        async with Caller.connect(office.bus, mission=record.id, keys=office.keys) as caller:
            ending = await _conduct(
                record, office, token, ledger, caller, workspace, course, watch, interrupt
            )
        return await _close(record, database, token, ending, course, workspace)


async def _conduct(
    record: Record, office: Office, token: int, ledger: Ledger, caller: Caller, workspace: GitWorkspace,
    course: Course, watch: Watch, interrupt: "asyncio.Future[Halt]",
) -> Ending:  # fmt: skip
    journal = Journal(office.database, record.id, token)
    known = Known(await load(office.database, record.id))
    spec, formation = record.mission.spec, record.formation.spec
    asker = Asker(
        journal, seats(formation, office.models), caller, Purse(ledger), watch, office.patience
    )
    doors = Doors(journal, asker, Rounder(asker, caller, known, token), workspace)
    conductor = Conductor(
        office.database, journal, ledger, caller, Engine(known, doors, course), watch, office.lease
    )
    job = Job(spec.mode, assignment(spec, formation), float(spec.budget.wall_clock_seconds))
    return await conductor.conduct(job, interrupt)


async def open_workspace(record: Record) -> GitWorkspace:
    """The mission's repository, made on first use; raises `BadInput` for a source that cannot be used."""
    sandbox: Sandbox = Unconfined() if record.options.unsafe_no_sandbox else LandlockSandbox()
    spec = record.mission.spec
    hidden = tuple(FileText(path=f.path, text=f.content) for f in spec.acceptance.files)
    root = folder(record) / "workspace"
    return await prepare(root, source(spec.workspace), record.created, sandbox, hidden=hidden)


async def stage(record: Record) -> None:
    """Make a new mission's workspace before anything else; what cannot be made leaves nothing behind."""
    try:
        await open_workspace(record)
    except BaseException:
        shutil.rmtree(folder(record), ignore_errors=True)
        raise


def folder(record: Record) -> Path:
    """All files of a mission lie here."""
    return Path(record.options.home) / "missions" / record.id


def source(given: WorkspaceSource) -> Source:
    if given.files is not None:
        return Inline(tuple(FileText(path=f.path, text=f.content) for f in given.files))
    if given.git is not None:
        return Clone(given.git.url, given.git.ref)
    raise BadInput(
        ["spec.workspace.pvc: a volume exists in a cluster only. Give files or git here."]
    )


async def _close(
    record: Record,
    database: Database,
    token: int,
    ending: Ending,
    course: Course,
    workspace: GitWorkspace,
) -> Finished:
    """Artifact, SITREP, last status; each may be done again by a later owner."""
    papers = folder(record)
    artifact = await _export(workspace, ending, papers, record)
    started, ended = await _times(database, record.id)
    rules = assignment(record.mission.spec, record.formation.spec).rules
    costs = (
        await accounting.by_model(database, record.id),
        await accounting.by_role(database, record.id),
    )
    report = sitrep(
        record, rules, ending, course.moments, (started, ended), costs,
        await accounting.budget(database, record.id), artifact,
    )  # fmt: skip
    (papers / "SITREP.md").write_text(markdown(report))
    (papers / "sitrep.json").write_bytes(json_bytes(report))
    owns = await database.value(
        "select hekaton.conclude($1, $2, $3, $4, $5, $6, $7, $8)",
        record.id, token, ending.state, ending.kind, ending.reason,
        report.scores.weighted if report.scores else None, report.simulated,
        msgspec.to_builtins(artifact) if artifact else None,
    )  # fmt: skip
    if not owns:
        raise Fenced(f"Another conductor has taken mission {record.id!r}.")
    return Finished(ending, report, papers)


async def _export(
    workspace: GitWorkspace, ending: Ending, papers: Path, record: Record
) -> Artifact | None:
    branch = ending.conclusion.branch
    if not await workspace.git.commit_of(branch):
        return None
    made = await export(workspace, branch, papers, record.id)
    return Artifact(made.branch, made.commit, str(made.patch), str(made.bundle))


async def _times(database: Database, mission: str) -> tuple[float, float]:
    row = (
        await database.fetch(
            "select extract(epoch from started_at)::float8 as started,"
            " extract(epoch from clock_timestamp())::float8 as now from hekaton.mission where id = $1",
            mission,
        )
    )[0]
    return row["started"], row["now"]
