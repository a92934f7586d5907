"""What a comparison says in words: never more than its data do. Pure."""

from hekaton_runtime.compare.analysis import Area, Comparison, Contrast
from hekaton_runtime.compare.plan import Plan
from hekaton_runtime.compare.statistics import Interval

SIMULATED = (
    "SIMULATED models: this tries the machinery. It says nothing about any model, and nothing about"
    " which mode is better with real ones."
)


def before(plan: Plan) -> tuple[str, ...]:
    """What is said, and kept, before the first mission."""
    many, others, last = len(plan.tasks), len(plan.others), plan.caps[-1]
    seeds = "" if plan.seeds == 1 else f", {plan.seeds} seeds each"
    arms, tasks = counted(others, "arm"), counted(many, "task")
    lines = [
        f"{tasks}{seeds}; {arms} against {plan.baseline}; {plan.missions} missions, each under the same cap,"
        " which counts every token: planning, retries, audits.",
        f"Decided beforehand: the verdict is about the cap of {last:,} tokens; exact McNemar test, Holm over"
        f" {arms}, {plan.alpha:.0%} false alarms in all; equivalent means within {points(plan.margin)}.",
    ]
    if plan.detectable is None:
        lines.append(f"With {tasks} no difference, however large, can be found. Give more.")
    else:
        lines.append(
            f"Detectable: {points(plan.detectable)} or more are found with a chance of {plan.power:.0%}, if the two"
            f" arms differ on {plan.discordance:.0%} of the tasks (or on as many as that difference takes)."
        )
    return (*lines, SIMULATED) if plan.simulated else tuple(lines)


def verdict(plan: Plan, seen: Comparison, simulated: bool) -> tuple[str, ...]:
    """A sentence an arm about the last cap, and what the other caps show."""
    if not seen.complete:
        said = (
            f"PARTIAL: {seen.tasks} of {len(plan.tasks)} tasks have ended in every arm; no verdict."
        )
        return (said, SIMULATED) if simulated else (said,)
    lines = [_decided(plan, one) for one in seen.contrasts if one.cap == plan.caps[-1]]
    lines += [_curve(plan, one) for one in seen.areas]
    return (*lines, SIMULATED) if simulated else tuple(lines)


def decision(plan: Plan, one: Contrast) -> str:
    """better, worse, equivalent or inconclusive; of a contrast that the verdict is about."""
    if one.adjusted is not None and one.adjusted <= plan.alpha:
        return "better" if one.difference > 0 else "worse"
    if _within(one.narrow, plan.margin) and _within(one.sure, plan.margin):
        return "equivalent"
    return "inconclusive"


def _within(found: Interval, margin: float) -> bool:
    return -margin <= found.low and found.high <= margin


def _decided(plan: Plan, one: Contrast) -> str:
    kind = decision(plan, one)
    head = f"{one.arm} against {plan.baseline} at {one.cap:,} tokens: "
    data = (
        f"{signed(one.difference)} ({spread(one.interval)}), tasks won {one.won}, lost {one.lost},"
        f" p = {chance(one.p)}, {chance(one.adjusted)} after Holm"
    )
    match kind:
        case "better":
            return f"{head}more right on these tasks, {data}."
        case "worse":
            return f"{head}fewer right on these tasks, {data}."
        case "equivalent":
            return f"{head}no difference beyond {points(plan.margin)}, {data}."
        case _:
            wide = f"from {signed(one.sure.low)} to {signed(one.sure.high)}"
            return f"{head}INCONCLUSIVE, {data}. True differences {wide} remain possible."


def _curve(plan: Plan, one: Area) -> str:
    """Described, not tested."""
    low, high = plan.caps[0], plan.caps[-1]
    crossed = ", ".join(f"{cap:,}" for cap in one.crosses)
    where = f"; the lead changes sides at {crossed}" if crossed else ""
    return (
        f"Over the caps from {low:,} to {high:,}, {one.arm} is on average {signed(one.difference)} from"
        f" {plan.baseline} ({spread(one.interval)}{where}). Described, not tested."
    )


def counted(many: int, what: str) -> str:
    return f"{many} {what}" if many == 1 else f"{many} {what}s"


def points(share: float) -> str:
    return f"{100 * share:.1f} points"


def signed(share: float) -> str:
    return f"{100 * share:+.1f} points"


def spread(found: Interval) -> str:
    return f"95 % {100 * found.low:+.1f} to {100 * found.high:+.1f}"


def chance(p: float | None) -> str:
    if p is None:
        return "-"
    return f"{p:.3f}" if p >= 0.001 else "<0.001"
