"""Divide what a mission has left among accounts: the arithmetic is pure, the caps are the ledger's."""

from hekaton_runtime.conductor.asking import Purse
from hekaton_runtime.effects import Share
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.results import Allotted, Shared
from hekaton_runtime.strategies.budgets import shares


async def share(purse: Purse, effect: Share) -> Shared:
    """Whoever waits for room looks again, since caps may have risen."""
    left = await purse.ledger.left()
    weights = [portion.weight for portion in effect.portions]
    parts = zip(
        effect.portions, shares(left.tokens, weights), shares(left.micros, weights), strict=True
    )
    allotted = tuple(Allotted(account=one.account, tokens=t, micros=m) for one, t, m in parts)
    for part in allotted:
        await purse.ledger.allot(part.account, Amount(part.tokens, part.micros))
    purse.freed("")
    return Shared(tokens=left.tokens, micros=left.micros, parts=allotted)
