"""The condition VRAMFits and status.vramPlan, from the same planner as `hekaton plan`. Pure."""

from dataclasses import dataclass
from typing import Any

from hekaton_api.fields import MOST_GIB
from hekaton_api.formation import FormationSpec
from hekaton_api.vram.catalog import Catalog
from hekaton_api.vram.plan import Placed, Plan, plan_spec
from hekaton_api.vram.remedies import remedies
from hekaton_api.vram.sizes import GIB
from hekaton_operator.conditions import Claim


@dataclass(frozen=True, slots=True)
class Memory:
    """Whether a replica fits its hardware, and how."""

    fits: bool
    claim: Claim
    status: dict[str, Any]


def memory(name: str, spec: FormationSpec, catalog: Catalog) -> Memory:
    found = plan_spec(spec, catalog, name)
    return Memory(found.fits, _claim(found, spec, catalog), _status(found))


def _claim(found: Plan, spec: FormationSpec, catalog: Catalog) -> Claim:
    if found.fits:
        reason = "Fits" if found.models else "NoLocalModel"
        return Claim("VRAMFits", "True", reason, found.sentence)
    offered = remedies(spec, catalog)
    remedy = offered[0].change if offered else "Use larger or more GPUs." if found.excess else ""
    reason = "CannotBePlanned" if found.refusals else "OverBudget"
    return Claim("VRAMFits", "False", reason, f"{found.sentence} {remedy}".rstrip())


def _status(found: Plan) -> dict[str, Any]:
    return {
        "models": [_model(each, max(1, found.gpus)) for each in found.models],
        "totalGiB": gib(found.capacity),
        "freeGiB": gib(max(0, found.free)),
        "freedByTurboquantGiB": gib(found.freed),
    }


def _model(each: Placed, gpus: int) -> dict[str, Any]:
    one = each.engine
    return {
        "name": one.spec.name,
        "weightsGiB": gib(one.weights * gpus),
        "kvGiB": gib(one.kv * gpus),
        "overheadGiB": gib((one.activations + one.overhead) * gpus),
        "contextReached": each.reached,
    }


def gib(size: int) -> float:
    """To the hundredth, as a person reads it; never more than the schema of the status takes."""
    return min(MOST_GIB, round(size / GIB, 2))
