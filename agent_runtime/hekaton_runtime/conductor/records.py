"""The rows of missions: made once, read by whoever resumes or shows them. No secret is ever in them."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

import msgspec

from hekaton_api.formation import Formation
from hekaton_api.mission import Mission
from hekaton_runtime.conductor.lease import is_gone
from hekaton_runtime.errors import BadInput
from hekaton_runtime.store.postgres import Database, Row


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """Simulated models instead of real ones."""

    competence: float = 1.0
    """Probability, 0 to 1, that a piece of work is right."""
    seed: int = 0
    latency: float = 0.0
    """Seconds before each answer."""
    book: str = ""
    """The answer book, YAML."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a mission is run, beside its documents; the same again on resume."""

    home: str
    """Folder of workspaces and artifacts."""
    base_url: str = ""
    """Replaces the endpoints of `external` models."""
    model: str = ""
    """Replaces every model's name at that endpoint."""
    simulation: Simulation | None = None
    unsafe_no_sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A mission as it was given."""

    id: str
    mission: Mission
    formation: Formation
    options: Options
    created: int
    """Whole seconds since 1970; the date of the mission's commits, so that they repeat."""


@dataclass(frozen=True, slots=True)
class Status:
    """One row of `hekaton.mission_status`, for tables and JSON."""

    id: str
    name: str
    mode: str
    state: str
    reason: str
    stop_kind: str
    phase: str
    detail: str
    round: int
    wave: int
    tasks_done: int
    tasks_total: int
    score: float | None
    simulated: bool
    spent_tokens: int
    cap_tokens: int
    spent_micros: int
    cap_micros: int
    reserved_tokens: int
    reserved_micros: int
    owned: bool
    """Its conductor lives, as far as this machine can tell."""
    created: float
    ended: float | None
    artifact: dict[str, Any] | None


def new_id(name: str) -> str:
    """A mission's name and six random hex digits."""
    return f"{name}-{secrets.token_hex(3)}"


async def create(database: Database, record: Record) -> None:
    spec = record.mission.spec
    await database.fetch(
        "insert into hekaton.mission (id, name, mode, document, formation, options, created_at)"
        " values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8)) on conflict do nothing",
        record.id,
        record.mission.metadata.name,
        spec.mode,
        json.loads(record.mission.model_dump_json(by_alias=True, exclude_none=True)),
        json.loads(record.formation.model_dump_json(by_alias=True, exclude_none=True)),
        msgspec.to_builtins(record.options),
        record.created,
    )


async def find(database: Database, mission: str) -> Record:
    """By id, or by a name or prefix that fits one mission only; raises `BadInput` naming what there is."""
    rows = await database.fetch(
        f"{RECORD}"
        " where id = $1 or name = $1 or starts_with(id, $1) order by id = $1 desc, created_at desc limit 6",
        mission,
    )
    if not rows or (len(rows) > 1 and rows[0]["id"] != mission):
        known = [row["id"] for row in rows] or [row.id for row in await listed(database, 5)]
        raise BadInput(
            [
                f"mission {mission!r} is {'ambiguous' if rows else 'unknown'}."
                f" Known: {', '.join(known) or 'none yet; start one with `hekaton run FILE`'}."
            ]
        )
    return _record(rows[0])


async def find_exactly(database: Database, mission: str) -> Record | None:
    """By the whole id; None where there is no such mission yet."""
    rows = await database.fetch(f"{RECORD} where id = $1", mission)
    return _record(rows[0]) if rows else None


RECORD = (
    "select id, document, formation, options, extract(epoch from created_at)::bigint as created"
    " from hekaton.mission"
)


def _record(row: Row) -> Record:
    return Record(
        row["id"],
        Mission.model_validate(row["document"]),
        Formation.model_validate(row["formation"]),
        msgspec.convert(row["options"], Options),
        row["created"],
    )


async def listed(database: Database, limit: int) -> tuple[Status, ...]:
    """The newest missions first."""
    rows = await database.fetch(f"{STATUS} order by created_at desc limit $1", limit)
    return tuple(_status(row) for row in rows)


async def status(database: Database, mission: str) -> Status:
    return _status((await database.fetch(f"{STATUS} where id = $1", mission))[0])


STATUS = (
    "select id, name, mode, state, reason, stop_kind, phase, detail, round, wave, tasks_done, tasks_total,"
    " score, simulated, spent_tokens, coalesce(cap_tokens, 0) as cap_tokens, spent_micros,"
    " coalesce(cap_micros, 0) as cap_micros, reserved_tokens, reserved_micros, owned, coalesce(owner, '') as owner,"
    " extract(epoch from created_at)::float8 as created, extract(epoch from ended_at)::float8 as ended, artifact"
    " from hekaton.mission_status"
)


def _status(row: Row) -> Status:
    facts = dict(row.items())
    owner = facts.pop("owner")
    facts["owned"] = facts["owned"] and not is_gone(owner)
    return Status(**facts)
