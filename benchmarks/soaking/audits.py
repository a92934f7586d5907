"""A mission's promises, held against its ledger and the model server's own bill. Pure but for the reading."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hekaton_runtime.store.postgres import Database

WRONG = """
select a.path from hekaton.account a
left join hekaton.call c on c.mission_id = a.mission_id and a.path = any(c.accounts)
where a.mission_id = $1 group by a.mission_id, a.path having
   a.spent_tokens + a.reserved_tokens > a.cap_tokens or a.spent_micros + a.reserved_micros > a.cap_micros
or a.overrun_tokens > 0
or a.reserved_tokens <> coalesce(sum(c.reserved_tokens) filter (where c.state = 'open'), 0)
or a.spent_micros <> coalesce(sum(c.micros), 0)
or a.spent_tokens <> coalesce(sum(case c.state when 'settled' then c.prompt_tokens + c.completion_tokens
                                               when 'unknown' then c.reserved_tokens else 0 end), 0)
"""
REPEATED = "select path from hekaton.call where mission_id = $1 and state = 'settled' group by path having count(*) > 1"
OPEN = "select path from hekaton.call where mission_id = $1 and state = 'open'"
CHECKS = (("account is over its cap or no sum of its calls", WRONG), ("call settled twice", REPEATED), ("call left open", OPEN))  # fmt: skip
Rows = Sequence[Mapping[str, Any]]


async def calls_of(database: Database, mission: str) -> Rows:
    rows = await database.fetch("select * from hekaton.call where mission_id = $1", mission)
    return [dict(row.items()) for row in rows]


async def broken_rules(database: Database, mission: str) -> list[str]:
    found = []
    for name, sql in CHECKS:
        if rows := await database.fetch(sql, mission):
            found.append(f"{mission}: {name}: {[row['path'] for row in rows]}")
    return found


def disagreement(bill: Rows, calls: Rows) -> list[str]:
    """Every bill is a settled call's, or covered by the reservation of one whose outcome is unknown."""
    left = Counter((b["model"], b["prompt_tokens"], b["completion_tokens"]) for b in bill)
    settled = Counter(
        (c["model"], c["prompt_tokens"], c["completion_tokens"])
        for c in calls
        if c["state"] == "settled" and not c["estimated"]
    )
    found = [f"settled and never billed: {settled - left}"] if settled - left else []
    covers: dict[str, list[int]] = {}
    for call in calls:
        if call["state"] in ("unknown", "open") or call["estimated"]:
            covers.setdefault(call["model"], []).append(call["reserved_tokens"])
    for model in {one[0] for one in left - settled}:
        bills = sorted(
            (b[1] + b[2] for b in (left - settled).elements() if b[0] == model), reverse=True
        )
        held = sorted(covers.get(model, ()), reverse=True)
        if len(bills) > len(held) or any(h < b for h, b in zip(held, bills, strict=False)):
            found.append(
                f"{model} billed {bills} beyond the settled calls, held for unknown {held}"
            )
    return found


def tokens(calls: Rows, state: str) -> int:
    names = ("prompt_tokens", "completion_tokens") if state == "settled" else ("reserved_tokens",)
    return sum(call[name] for call in calls if call["state"] == state for name in names)
