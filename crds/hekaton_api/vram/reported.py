"""A plan as the operator writes it into a Formation's status. Pure."""

from hekaton_api.status import ModelMemory, VramPlan
from hekaton_api.vram.plan import Placed, Plan
from hekaton_api.vram.sizes import gib


def vram_plan(plan: Plan) -> VramPlan:
    """The plan in the shape of `status.vramPlan`; where nothing is left, free is 0."""
    return VramPlan(
        models=tuple(_memory(each, max(1, plan.gpus)) for each in plan.models),
        total_gib=gib(plan.capacity),
        free_gib=gib(max(0, plan.free)),
        freed_by_turboquant_gib=gib(plan.freed),
    )


def _memory(placed: Placed, gpus: int) -> ModelMemory:
    engine = placed.engine
    return ModelMemory(
        name=engine.spec.name,
        weights_gib=gib(engine.weights * gpus),
        kv_gib=gib(engine.kv * gpus),
        overhead_gib=gib((engine.activations + engine.overhead) * gpus),
        context_reached=placed.reached,
    )
