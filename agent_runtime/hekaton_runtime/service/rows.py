"""The service's statements: its queue in Postgres, and views of missions."""

import json
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from hekaton_api.formation import Formation
from hekaton_api.mission import Mission
from hekaton_runtime.conductor.conduct import RESUMABLE
from hekaton_runtime.conductor.lease import is_gone, owner
from hekaton_runtime.conductor.records import Record
from hekaton_runtime.service.desk import Client, Links, State, View
from hekaton_runtime.store.postgres import Database, Row

CLAIM = 30.0  # seconds from a claim to the lease that must follow
OTHERS = 500  # missions that other services may be working on, before those that are free
VIEW = (
    "select v.id, v.mode, v.state, v.stop_kind, v.reason, v.halt, v.phase, v.detail, v.wave, v.tasks_done,"
    " v.tasks_total, v.score, v.spent_tokens, v.reserved_tokens, v.spent_micros,"
    " v.simulated or m.options ->> 'simulation' is not null as simulated,"
    " m.document #>> '{spec,goal}' as goal, (m.document #>> '{spec,budget,tokens}')::bigint as tokens,"
    " extract(epoch from v.created_at)::float8 as created, extract(epoch from v.started_at)::float8 as started,"
    " extract(epoch from v.ended_at)::float8 as ended,"
    " case when v.state = 'pending' then (select count(*) from hekaton.submission o join hekaton.mission w"
    " on w.id = o.mission_id where w.state = 'pending' and o.seq <= s.seq) else 0 end as position"
    " from hekaton.submission s join hekaton.mission m on m.id = s.mission_id"
    " join hekaton.mission_status v on v.id = s.mission_id"
)
OPEN = (
    "select s.mission_id as id, s.claimer, s.claimed_until > clock_timestamp() as claimed,"
    " coalesce(l.owner, '') as owner, (l.until > clock_timestamp()) is true as owned"
    " from hekaton.submission s join hekaton.mission m on m.id = s.mission_id"
    " left join hekaton.lease l on l.mission_id = s.mission_id"
    " where (m.state in ('pending', 'running') or (m.state = 'stopped' and m.stop_kind in ('interrupted', 'unavailable')))"
    " and s.mission_id <> all($1::text[]) order by s.seq limit $2"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mission that has not ended and that this process does not work on."""

    id: str
    claimer: str


async def submit(
    database: Database, record: Record, client: Client, word: str | None, room: int
) -> tuple[str, str]:
    """The verdict (queued, known, full) and the mission's id."""
    row = (
        await database.fetch(
            "select * from hekaton.submit($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            record.id, record.mission.spec.mode, _plain(record.mission), _plain(record.formation),
            msgspec.to_builtins(record.options), record.created, client, word, room,
        )
    )[0]  # fmt: skip
    return row["verdict"], row["mission"]


async def view(database: Database, client: Client, mission: str) -> View | None:
    rows = await database.fetch(
        f"{VIEW} where s.client = $1 and s.mission_id = $2", client, mission
    )
    return _view(rows[0]) if rows else None


async def listed(database: Database, client: Client, limit: int, before: str) -> tuple[View, ...]:
    """The newest first."""
    older = (
        " and s.seq < (select seq from hekaton.submission where mission_id = $3)" if before else ""
    )
    rows = await database.fetch(
        f"{VIEW} where s.client = $1{older} order by s.seq desc limit $2",
        client, limit, *([before] if before else []),
    )  # fmt: skip
    return tuple(_view(row) for row in rows)


async def candidates(database: Database, busy: list[str], most: int) -> tuple[Candidate, ...]:
    """The oldest first; those that nobody owns, or is about to own, who still lives."""
    me = owner()
    free = (
        Candidate(row["id"], row["claimer"])
        for row in await database.fetch(OPEN, busy, most + OTHERS)
        if not (row["owned"] and not is_gone(row["owner"]))
        and not (row["claimed"] and row["claimer"] != me and not is_gone(row["claimer"]))
    )
    return tuple(islice(free, most))


async def claim(database: Database, one: Candidate) -> bool:
    claimed: bool = await database.value(
        "select hekaton.claim($1, $2, $3, $4)", one.id, owner(), one.claimer, CLAIM
    )
    return claimed


async def waiting(database: Database) -> int:
    """How many have not begun."""
    many: int = await database.value(
        "select count(*) from hekaton.submission s join hekaton.mission m on m.id = s.mission_id"
        " where m.state = 'pending'"
    )
    return many


def _view(row: Row) -> View:
    return View(
        id=row["id"], state=_state(row), position=row["position"], reason=row["reason"],
        task_description=row["goal"], total_budget_tokens=row["tokens"], mode=row["mode"],
        phase=row["phase"], detail=row["detail"], wave=row["wave"],
        tasks_done=row["tasks_done"], tasks_total=row["tasks_total"], score=row["score"],
        spent_tokens=row["spent_tokens"], reserved_tokens=row["reserved_tokens"],
        spent_usd=row["spent_micros"] / 1e6, simulated=row["simulated"], created=row["created"],
        started=row["started"], ended=row["ended"], links=Links.of(row["id"]),
    )  # fmt: skip


def _state(row: Row) -> State:
    """`waiting` was begun and goes on by itself: after a restart, or when what is away is back."""
    names: dict[str, State] = {
        "pending": "queued", "running": "running", "passed": "passed", "failed": "failed",
    }  # fmt: skip
    if row["state"] == "stopped" and row["stop_kind"] in RESUMABLE:
        return "waiting"
    return names.get(row["state"], "stopped")


def _plain(document: Formation | Mission) -> Any:
    return json.loads(document.model_dump_json(by_alias=True, exclude_none=True))
