"""The append-only journal of one mission in Postgres, written under the owner's fence."""

import msgspec

from hekaton_runtime.effects import Note
from hekaton_runtime.errors import BadInput, Fenced, ReplayDiverged
from hekaton_runtime.journal.entries import HALT, Body, Entry, Halted, pack, unpack
from hekaton_runtime.store.postgres import Database

PRUNED = "select pruned_at is not null from hekaton.mission where id = $1"


def checked(written: str, path: str) -> None:
    """Turn the database's answer to a write into the error that it stands for."""
    match written:
        case "appended" | "known" | "overrun":
            return
        case "fenced":
            raise Fenced(
                "Another conductor owns this mission now; this one ends without a further write."
            )
        case _:
            raise ReplayDiverged(f"{path}: the journal already holds another result here.")


class Journal:
    """Append and load; `token` is the fence that `hekaton.take` gave."""

    def __init__(self, database: Database, mission: str, token: int) -> None:
        self._database = database
        self.mission = mission
        self.token = token

    async def append(self, path: str, mark: bytes, body: Body) -> None:
        """Raises `Fenced` when the mission has another owner."""
        written = await self._database.value(
            "select hekaton.append($1, $2, $3, $4, $5)",
            self.mission,
            self.token,
            path,
            mark,
            pack(body),
        )
        checked(written, path)

    async def note(self, path: str, mark: bytes, body: Body, note: Note) -> None:
        """As append, and shows the progress in the mission's status."""
        written = await self._database.value(
            "select hekaton.note($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            self.mission, self.token, path, mark, pack(body),
            note.phase, note.text, note.round, note.wave, note.tasks_done, note.tasks_total,
        )  # fmt: skip
        checked(written, path)

    async def halt(self, said: Halted, *more: Entry) -> None:
        """Charge every call that is still open and append the last entries, all in one commit.

        Raises `Fenced` when the mission has another owner.
        """
        path = f"!halt-{self.token}"
        entries = (Entry(path, HALT, said), *more)
        written = await self._database.value(
            "select hekaton.halt($1, $2, $3, $4, $5)",
            self.mission,
            self.token,
            [entry.path for entry in entries],
            [entry.fingerprint for entry in entries],
            [pack(entry.body) for entry in entries],
        )
        checked(written, path)


async def load(database: Database, mission: str) -> tuple[Entry, ...]:
    """All entries in the order they were written; raises `ReplayDiverged` for one that cannot be read."""
    rows = await database.fetch(
        "select path, fingerprint, body, extract(epoch from at)::float8 as at"
        " from hekaton.journal where mission_id = $1 order by seq",
        mission,
    )
    if not rows and await database.value(PRUNED, mission):
        raise BadInput(
            [
                f"mission {mission!r} has no journal any more: `hekaton prune` deleted it. What it did and cost is"
                f" in its SITREP: `hekaton show {mission}`."
            ]
        )
    return tuple(
        Entry(row["path"], row["fingerprint"], _readable(row["path"], row["body"]), row["at"])
        for row in rows
    )


def _readable(path: str, body: bytes) -> Body:
    try:
        return unpack(body)
    except msgspec.DecodeError as fault:  # a wrong type is one too
        raise ReplayDiverged(
            f"{path}: this version cannot read what the journal holds here ({fault}). The mission was begun"
            " by another version: finish it with that version, or run it anew."
        ) from fault
