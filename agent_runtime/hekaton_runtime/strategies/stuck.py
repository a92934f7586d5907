"""Does work go in circles? Decided from what repairs did, never from how they sound. Pure."""

from collections.abc import Sequence

from hekaton_runtime.strategies.values import Turn

SAME = 3
IDLE = 2
PING_PONG = 4


def stuck(turns: Sequence[Turn]) -> str:
    """Why another try is no use, in words; empty while it may be."""
    actions = [turn.action for turn in turns]
    if len(turns) >= IDLE and not any(turn.changed for turn in turns[-IDLE:]):
        return f"no change in {IDLE} loops"
    if len(turns) >= SAME and len(set(actions[-SAME:])) == 1 and actions[-1]:
        return f"the same patch {SAME} times"
    last = actions[-PING_PONG:]
    if len(last) == PING_PONG and last[:2] == last[2:] and last[0] != last[1]:
        return "two patches in turn, twice over"
    return ""
