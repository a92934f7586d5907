"""Work one mission from its row to its SITREP: the conductor's composition, local or in a cluster."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hekaton_api.sources import Workspace as WorkspaceSource
from hekaton_runtime.brief import FileText
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.keys import PeerKeys
from hekaton_runtime.conductor import accounting
from hekaton_runtime.conductor.asking import WORKERS, Asker, Patience, Purse
from hekaton_runtime.conductor.assigning import assignment, seats
from hekaton_runtime.conductor.conduct import Conductor, Ending, Halt, Job
from hekaton_runtime.conductor.delivering import papers_in, pushed, put_in_database, put_on_volume
from hekaton_runtime.conductor.engine import Course, Engine, Known
from hekaton_runtime.conductor.events import Watch
from hekaton_runtime.conductor.grounds import Grounds
from hekaton_runtime.conductor.keeping import Kept, KeptWorkspace
from hekaton_runtime.conductor.labelling import labels
from hekaton_runtime.conductor.lease import owned
from hekaton_runtime.conductor.performing import Doors
from hekaton_runtime.conductor.records import Record, create
from hekaton_runtime.conductor.reporting import from_outside, sitrep
from hekaton_runtime.conductor.rounds import Rounder
from hekaton_runtime.conductor.starting import unstartable
from hekaton_runtime.errors import BadInput, Fenced, ReplayDiverged, Unavailable
from hekaton_runtime.journal.postgres import Journal, load
from hekaton_runtime.ledger.accounts import Ledger
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.permits.signer import Signer
from hekaton_runtime.report.sitrep import json_bytes, markdown
from hekaton_runtime.report.values import Artifact, Sitrep
from hekaton_runtime.room import told, write_whole
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.strategies.values import Conclusion
from hekaton_runtime.workspace.artifact import export
from hekaton_runtime.workspace.prepare import Clone, Folder, Inline, Source, prepare
from hekaton_runtime.workspace.protocol import Sandbox, Workspace
from hekaton_runtime.workspace.repository import BASE, GitWorkspace
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
    workers: int = WORKERS
    """Questions on their way at once."""
    rekeyed: Callable[[], bool] = lambda: False
    """Whether `keys` were renewed since they were read."""
    signer: Signer | None = None
    """Signs each call where a router stands between agents and models."""
    grounds: Grounds = Grounds()


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
        kept = Kept(database, record.id, token) if office.grounds.kept else None
        workspace = await _opened(record, office.grounds, kept)
        course = Course()
        async with Caller.connect(office.bus, mission=record.id, keys=office.keys) as caller:
            place = KeptWorkspace(workspace, kept) if kept else workspace
            ending = await _conduct(
                record, office, token, ledger, caller, place, course, watch, interrupt
            )
        return await _close(record, office, token, ending, course, workspace)


async def _opened(record: Record, grounds: Grounds, kept: Kept | None) -> GitWorkspace:
    """The workspace, with the branches that an earlier conductor left in the database."""
    workspace = await open_workspace(record, grounds, await kept.base() if kept else "")
    if kept:
        await kept.restore(workspace.git)
        await kept.save(workspace.git, BASE, await workspace.git.commit_of(BASE))
    return workspace


async def _conduct(
    record: Record, office: Office, token: int, ledger: Ledger, caller: Caller, workspace: Workspace,
    course: Course, watch: Watch, interrupt: "asyncio.Future[Halt]",
) -> Ending:  # fmt: skip
    journal = Journal(office.database, record.id, token)
    try:
        known = Known(await load(office.database, record.id))
    except ReplayDiverged as fault:
        why = str(fault)
        return Ending("stopped", "diverged", why, Conclusion("stopped", why, "build"))
    spec, formation = record.mission.spec, record.formation.spec
    asker = Asker(
        journal, seats(formation, office.models), caller, Purse(ledger), watch, office.patience,
        office.signer, office.workers,
    )  # fmt: skip
    doors = Doors(journal, asker, Rounder(asker, caller, known, token), workspace)
    conductor = Conductor(
        office.database, journal, caller, Engine(known, doors, course), watch, office.lease,
        lambda ending: labels(course.moments, ending), office.rekeyed,
        lambda: unstartable(course.moments),
    )  # fmt: skip
    job = Job(spec.mode, assignment(spec, formation), float(spec.budget.wall_clock_seconds))
    return await conductor.conduct(job, interrupt)


async def open_workspace(record: Record, grounds: Grounds, base: str = "") -> GitWorkspace:
    """The mission's repository, made on first use; raises `BadInput` for a source that cannot be used.

    `base`: the commit that a repository elsewhere was at when the mission began.
    """
    sandbox: Sandbox = Unconfined() if record.options.unsafe_no_sandbox else LandlockSandbox()
    sandbox = grounds.sandbox or sandbox
    spec = record.mission.spec
    hidden = tuple(FileText(path=f.path, text=f.content) for f in spec.acceptance.files)
    root = folder(record) / "workspace"
    start = source(spec.workspace, grounds, base)
    return await prepare(root, start, record.created, sandbox, hidden=hidden)


async def stage(record: Record, grounds: Grounds | None = None) -> None:
    """Make a new mission's workspace before anything else; what cannot be made leaves nothing behind."""
    try:
        await open_workspace(record, grounds or Grounds())
    except (NotADirectoryError, FileExistsError, PermissionError) as fault:
        why = f"HEKATON_HOME: {record.options.home!r} cannot be written ({fault.strerror})."
        raise BadInput([f"{why} Give a folder of your own."]) from fault
    except BaseException:
        shutil.rmtree(folder(record), ignore_errors=True)
        raise


async def begin(database: Database, record: Record, grounds: Grounds | None = None) -> None:
    """Stage a new mission and write its row; bad input leaves neither.

    A row whose fate nobody knows (the database went away) must find its folder.
    """
    await stage(record, grounds)
    try:
        await create(database, record)
    except BadInput:
        shutil.rmtree(folder(record), ignore_errors=True)
        raise


def folder(record: Record) -> Path:
    """All files of a mission lie here."""
    return Path(record.options.home) / "missions" / record.id


def source(given: WorkspaceSource, grounds: Grounds, base: str = "") -> Source:
    if given.files is not None:
        return Inline(tuple(FileText(path=f.path, text=f.content) for f in given.files))
    if given.git is not None:
        return Clone(given.git.url, base or given.git.ref, grounds.git_key)
    if grounds.source is not None:
        return Folder(grounds.source)
    remedy = "--source FOLDER, or files or git" if grounds.kept else "files or git"
    raise BadInput([f"spec.workspace.pvc: no volume is mounted here. Give {remedy}."])


async def _close(
    record: Record,
    office: Office,
    token: int,
    ending: Ending,
    course: Course,
    workspace: GitWorkspace,
) -> Finished:
    """Artifact, SITREP, last status; each may be done again by a later owner."""
    database, grounds, papers = office.database, office.grounds, folder(record)
    try:
        artifact = await _export(workspace, ending, papers, record)
        ending = await pushed(record, ending, workspace.git, artifact, grounds)
        report = await _papers(record, office, ending, course, artifact)
        if not ending.resumable:
            await _deliver(record, office, token, workspace, artifact)
    except (OSError, Unavailable) as fault:
        why = told(fault, papers) if isinstance(fault, OSError) else str(fault)
        if ending.state != "stopped":  # it has not ended before its papers are written
            ending = Ending("stopped", "unavailable", why, ending.conclusion)
        await _conclude(record, database, token, ending, None)
        raise Unavailable(why) from fault
    await _conclude(record, database, token, ending, report)
    return Finished(ending, report, papers)


async def _deliver(
    record: Record, office: Office, token: int, workspace: GitWorkspace, artifact: Artifact | None
) -> None:
    """What is wanted beside the folder itself."""
    grounds, papers = office.grounds, papers_in(folder(record), artifact)
    if grounds.artifact is not None:
        await put_on_volume(grounds.artifact, workspace.git, papers, artifact)
    if grounds.kept:
        await put_in_database(office.database, record.id, token, papers)


async def _papers(
    record: Record, office: Office, ending: Ending, course: Course, artifact: Artifact | None
) -> Sitrep:
    papers, database = folder(record), office.database
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
    if office.grounds.kept:
        report = from_outside(report, record, ending)
    write_whole(papers / "SITREP.md", markdown(report).encode())
    write_whole(papers / "sitrep.json", json_bytes(report))
    return report


async def _conclude(
    record: Record, database: Database, token: int, ending: Ending, report: Sitrep | None
) -> None:
    scores, artifact = (report.scores, report.artifact) if report else (None, None)
    owns = await database.value(
        "select hekaton.conclude($1, $2, $3, $4, $5, $6, $7, $8)",
        record.id, token, ending.state, ending.kind, ending.reason,
        scores.weighted if scores else None,
        report.simulated if report else record.options.simulation is not None,
        msgspec.to_builtins(artifact) if artifact else None,
    )  # fmt: skip
    if not owns:
        raise Fenced(f"Another conductor has taken mission {record.id!r}.")


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
