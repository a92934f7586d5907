"""The ledger of one mission: reserve a call's worst case, settle what it really cost.

Accounts nest: a call charged to ("wave-1", "sapper-1") needs room in the mission's account, in wave-1's
and in wave-1/sapper-1's. `spent + reserved <= cap` is a constraint of the table.
"""

from dataclasses import dataclass

from hekaton_runtime.errors import Fenced
from hekaton_runtime.journal.entries import Body, pack
from hekaton_runtime.journal.postgres import checked
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.results import Refused, Usage
from hekaton_runtime.store.postgres import Database


@dataclass(frozen=True, slots=True)
class Call:
    """One model call about to be made. `id` is unique for ever, so that a repeated opening is the same."""

    id: str
    path: str
    accounts: tuple[str, ...]
    agent: str
    role: str
    model: str
    worst: Amount


@dataclass(frozen=True, slots=True)
class Bill:
    """How a call ended: settled at usage, released (nothing was billed), or unknown."""

    state: str
    usage: Usage = Usage(prompt_tokens=0, completion_tokens=0)
    micros: int = 0


RELEASED = Bill("released")
UNKNOWN = Bill("unknown")


@dataclass(frozen=True, slots=True)
class Wait:
    """No room at present, but open calls may give some back; `short` says what is missing."""

    short: Refused


def chain(accounts: tuple[str, ...]) -> list[str]:
    """("wave-1", "a") -> ["", "wave-1", "wave-1/a"], outermost first."""
    return ["", *("/".join(accounts[: depth + 1]) for depth in range(len(accounts)))]


class Ledger:
    """Every method is one transaction."""

    def __init__(self, database: Database, mission: str, token: int) -> None:
        self._database = database
        self._mission = mission
        self._token = token

    async def cap(self, account: str, amount: Amount) -> None:
        """Give an account a cap of its own; one that exists keeps the cap it has."""
        await self._database.fetch(
            "insert into hekaton.account (mission_id, path, cap_tokens, cap_micros)"
            " select $1, $2, $3, $4 where hekaton.owns($1, $5) on conflict do nothing",
            self._mission, account, amount.tokens, amount.micros, self._token,
        )  # fmt: skip

    async def left(self) -> Amount:
        """What the mission may still reserve."""
        row = (
            await self._database.fetch(
                "select cap_tokens - spent_tokens - reserved_tokens as tokens,"
                " cap_micros - spent_micros - reserved_micros as micros"
                " from hekaton.account where mission_id = $1 and path = ''",
                self._mission,
            )
        )[0]
        return Amount(row["tokens"], row["micros"])

    async def allot(self, account: tuple[str, ...], more: Amount) -> None:
        """Cap an account at what it spent and holds, plus this much; its cap may rise and fall."""
        await self._database.fetch(
            "insert into hekaton.account as h (mission_id, path, cap_tokens, cap_micros)"
            " select $1, $2, $3, $4 where hekaton.owns($1, $5) on conflict (mission_id, path) do update"
            " set cap_tokens = h.spent_tokens + h.reserved_tokens + excluded.cap_tokens,"
            " cap_micros = h.spent_micros + h.reserved_micros + excluded.cap_micros",
            self._mission, "/".join(account), more.tokens, more.micros, self._token,
        )  # fmt: skip

    async def open(self, call: Call) -> None | Wait | Refused:
        """Reserve the worst case; None means the call may be made."""
        verdict, account, left_tokens, left_micros = await self._database.value(
            "select hekaton.open_call($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            self._mission, self._token, call.id, call.path, chain(call.accounts),
            call.agent, call.role, call.model, call.worst.tokens, call.worst.micros,
        )  # fmt: skip
        match verdict:
            case "opened":
                return None
            case "wait":
                return Wait(_short(call, account, Amount(left_tokens, left_micros)))
            case "refused":
                return _short(call, account, Amount(left_tokens, left_micros))
            case _:
                raise Fenced("Another conductor owns this mission now; no call is made.")

    async def close(self, call: str, bill: Bill) -> None:
        """Close a call whose result is not journaled: it will be asked again, or the mission stops.

        Nothing happens to one that is closed already, or when the mission has another owner.
        """
        await self._database.fetch(
            "select hekaton.close_call($1, $2, $3, $4, $5, $6, $7) where hekaton.owns_alone($1, $8)",
            self._mission, call, bill.state, bill.usage.prompt_tokens,
            bill.usage.completion_tokens, bill.micros, bill.usage.estimated, self._token,
        )  # fmt: skip

    async def finish(self, call: str, bill: Bill, path: str, mark: bytes, body: Body) -> bool:
        """Close a call and journal its result together. True: the bill exceeded the worst case."""
        written = await self._database.value(
            "select hekaton.finish_call($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            self._mission, self._token, call, bill.state, bill.usage.prompt_tokens,
            bill.usage.completion_tokens, bill.micros, bill.usage.estimated, path, mark, pack(body),
        )  # fmt: skip
        checked(written, path)
        return bool(written == "overrun")

    async def forfeit(self) -> int:
        """Charge calls that an earlier owner left open at their reservation; returns how many."""
        many: int = await self._database.value(
            "select hekaton.forfeit($1, $2)", self._mission, self._token
        )
        if many < 0:
            raise Fenced("Another conductor owns this mission now.")
        return many


def _short(call: Call, account: str, left: Amount) -> Refused:
    return Refused(
        account="/".join(filter(None, ("mission", account))),
        needed_tokens=call.worst.tokens,
        left_tokens=left.tokens,
        needed_micros=call.worst.micros,
        left_micros=left.micros,
    )
