"""The proof that no budget was exceeded: every account of the run's missions, read from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from hekaton_runtime.store.postgres import Database

# An account holds what its own calls and those of the accounts below it came to; the mission's own holds all.
CHECK = """
select a.mission_id as mission,
       bool_or(a.spent_tokens + a.reserved_tokens > a.cap_tokens
               or a.spent_micros + a.reserved_micros > a.cap_micros) is true as over,
       sum(a.overrun_tokens + a.overrun_micros)::bigint as overrun,
       coalesce(max(case when a.path = '' then greatest(
           (a.spent_tokens + a.reserved_tokens)::float8 / a.cap_tokens,
           (a.spent_micros + a.reserved_micros)::float8 / a.cap_micros) end), 0) as used,
       max(case when a.path = '' then a.spent_tokens + a.overrun_tokens end) as spent_tokens,
       max(case when a.path = '' then a.spent_micros + a.overrun_micros end) as spent_micros,
       c.tokens as called_tokens, c.micros as called_micros, c.open
from hekaton.account a
left join lateral (
    select coalesce(sum(case when k.state = 'unknown' then k.reserved_tokens
                             else k.prompt_tokens + k.completion_tokens end), 0)::bigint as tokens,
           coalesce(sum(k.micros), 0)::bigint as micros,
           count(*) filter (where k.state = 'open') as open
    from hekaton.call k where k.mission_id = a.mission_id and k.state <> 'released') c on true
where a.mission_id = any($1) group by a.mission_id, c.tokens, c.micros, c.open order by 1
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What the ledger says of a run's missions."""

    missions: int
    most_used: float
    """The largest share of a cap that was used, in tokens or in dollars."""
    breaches: tuple[str, ...]
    """Empty: `spent + reserved <= cap` holds everywhere, and accounts are the sums of their calls."""

    def __str__(self) -> str:
        if self.breaches:
            return "BUDGET BROKEN: " + "; ".join(self.breaches)
        return (
            f"budget: spent + reserved <= cap in every mission ({self.missions} read from the ledger),"
            f" each account is the sum of its calls, at most {self.most_used:.1%} of a cap was used"
        )


async def held(database: Database, missions: Sequence[str]) -> Held:
    rows = await database.fetch(CHECK, list(missions))
    breaches: list[str] = []
    for row in rows:
        name = row["mission"]
        if row["over"] or row["overrun"]:
            breaches.append(f"{name} spent beyond its cap (overrun {row['overrun']})")
        if (row["spent_tokens"], row["spent_micros"]) != (
            row["called_tokens"],
            row["called_micros"],
        ):
            breaches.append(f"{name}: its account differs from the sum of its calls")
        if row["open"]:
            breaches.append(f"{name}: {row['open']} calls are open though nobody works on it")
    return Held(len(rows), max((row["used"] for row in rows), default=0.0), tuple(breaches))
