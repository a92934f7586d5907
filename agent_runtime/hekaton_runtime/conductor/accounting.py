"""What a mission's calls came to, read from the ledger."""

from hekaton_runtime.report.values import Account, Budget, CostLine
from hekaton_runtime.store.postgres import Database

COSTS = (
    "select {column} as name, count(*) as calls, sum(prompt_tokens)::bigint as tokens_in,"
    " sum(completion_tokens)::bigint as tokens_out, sum(micros)::bigint as micros,"
    " count(*) filter (where estimated) as estimated, count(*) filter (where state = 'unknown') as unknown"
    " from hekaton.call where mission_id = $1 and state <> 'released' group by 1 order by 1"
)


async def by_model(database: Database, mission: str) -> tuple[CostLine, ...]:
    return await _costs(database, mission, "model")


async def by_role(database: Database, mission: str) -> tuple[CostLine, ...]:
    return await _costs(database, mission, "role")


async def _costs(database: Database, mission: str, column: str) -> tuple[CostLine, ...]:
    rows = await database.fetch(COSTS.format(column=column), mission)
    return tuple(
        CostLine(
            row["name"], row["calls"], row["tokens_in"], row["tokens_out"], row["micros"], row["estimated"], row["unknown"]
        )
        for row in rows
    )  # fmt: skip


async def budget(database: Database, mission: str) -> Budget:
    row = (
        await database.fetch(
            "select cap_tokens, cap_micros, spent_tokens, spent_micros from hekaton.mission_status where id = $1",
            mission,
        )
    )[0]
    tokens, micros = row["spent_tokens"], row["spent_micros"]
    return Budget(
        Account(row["cap_tokens"] or 0, tokens, (row["cap_tokens"] or 0) - tokens),
        Account(row["cap_micros"] or 0, micros, (row["cap_micros"] or 0) - micros),
    )
