"""Stop a mission that nobody conducts: its conductor crashed, and whoever kills it does the last writes."""

from hekaton_runtime.conductor.lease import owned
from hekaton_runtime.journal.entries import Halted
from hekaton_runtime.journal.postgres import Journal
from hekaton_runtime.store.postgres import Database

MOMENT = 15.0  # seconds of lease for two statements


async def halt_unattended(database: Database, mission: str, reason: str) -> None:
    """Charge the calls it left open, journal the halt, say so in its status.

    Raises `BadInput` if somebody conducts it after all; that conductor hears of the halt itself.
    """
    async with owned(database, mission, MOMENT, patience=0.0) as token:
        await Journal(database, mission, token).halt(Halted(kind="killed", reason=reason))
        await database.fetch(
            "update hekaton.mission set state = 'stopped', stop_kind = 'killed', reason = $3,"
            " ended_at = clock_timestamp() where id = $1 and hekaton.owns($1, $2)",
            mission, token, reason,
        )  # fmt: skip
