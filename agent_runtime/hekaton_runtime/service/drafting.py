"""From a task in words to a mission: what a client does not say has a defined value. Pure but for the id."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import ValidationError

from hekaton_api.formation import Formation
from hekaton_api.load import check
from hekaton_api.mission import Mission
from hekaton_api.team import lacking
from hekaton_runtime.conductor.records import Options, Record
from hekaton_runtime.errors import BadInput
from hekaton_runtime.service.desk import Submission

UNCHECKED = "true  # the task came without acceptance commands: nothing was executed to accept it"
"""Passes always, and says so wherever commands are shown: in the SITREP above all."""
CENT = Decimal("0.01")
MOST_USD = Decimal(1_000_000)
SHARE = 8
"""An answer is at most this part of the whole budget, for its worst case is reserved before each call."""
SHORTEST = 512
"""Tokens of an answer, below which it is hardly one."""
FEW = 20_000
"""Tokens below which the worst cases of manager, worker and auditor do not fit one after the other."""


@dataclass(frozen=True, slots=True)
class Drafter:
    """Everything about a mission that the service decides."""

    formation: Formation
    options: Options
    mode: str = "hierarchical"
    wall_clock: str = "1h"
    usd: Decimal | None = None
    """Most dollars of one mission; None: what its tokens can cost at the formation's dearest price."""

    def draft(self, wanted: Submission, created: int) -> Record:
        """Raises `BadInput` with every reason why the formation cannot work on it."""
        mission = self._mission(wanted)
        if faults := check(mission, (self.formation,)):
            raise BadInput([str(fault) for fault in faults])
        formation = thrifty(self.formation, wanted.tokens)
        return Record(mission.metadata.name, mission, formation, self.options, created)

    def drafted(self, record: Record) -> bool:
        """Whether this would be drafted alike today: then it needs no agents of its own."""
        formation = thrifty(self.formation, record.mission.spec.budget.tokens)
        return (record.formation, record.options) == (formation, self.options)

    def _mode(self, wanted: Submission) -> str:
        """A budget too small for a hierarchy goes to one worker, unless the client says otherwise."""
        alone = wanted.tokens < FEW and not lacking(self.formation.spec, "single")
        return wanted.mode or ("single" if alone else self.mode)

    def _mission(self, wanted: Submission) -> Mission:
        usd = most_usd(self.formation, wanted.tokens) if self.usd is None else self.usd
        metadata: dict[str, object] = {"name": f"task-{secrets.token_hex(6)}"}
        if space := self.formation.metadata.namespace:
            metadata["namespace"] = space
        terms = Terms(self.formation.metadata.name, self._mode(wanted), self.wall_clock, usd)
        return mission(wanted, metadata, terms)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a task does not say itself."""

    formation: str
    mode: str
    wall_clock: str
    usd: Decimal


def mission(wanted: Submission, metadata: Mapping[str, object], terms: Terms) -> Mission:
    """A task as a Mission; raises `BadInput` with every reason."""
    document = {
        "apiVersion": "hekaton.dev/v1alpha1",
        "kind": "Mission",
        "metadata": metadata,
        "spec": {
            "goal": wanted.task,
            "formation": terms.formation,
            "mode": terms.mode,
            "workspace": {"files": []},
            "acceptance": {"commands": wanted.acceptance or (UNCHECKED,)},
            "budget": {
                "tokens": wanted.tokens, "usd": float(terms.usd), "wallClock": terms.wall_clock,
            },
        },
    }  # fmt: skip
    try:
        return Mission.model_validate_json(json.dumps(document))
    except ValidationError as fault:
        reasons = [
            f"{'.'.join(map(str, one['loc']))}: {one['input']!r}: {one['msg'].removesuffix('.')}."
            for one in fault.errors()
        ]
        raise BadInput(reasons) from fault


def thrifty(formation: Formation, tokens: int) -> Formation:
    """The formation with answers that a small budget can pay for."""
    most = max(SHORTEST, tokens // SHARE)
    roles = tuple(
        role.model_copy(update={"max_tokens": min(role.max_tokens, most)})
        for role in formation.spec.roles
    )
    return formation.model_copy(update={"spec": formation.spec.model_copy(update={"roles": roles})})


def most_usd(formation: Formation, tokens: int) -> Decimal:
    """What so many tokens cost at most, and a cent for calls whose cost is rounded up.

    So the tokens, which the client named, are what binds.
    """
    prices = (model.price for model in formation.spec.models)
    dearest = max(max(price.input_micros, price.output_micros) for price in prices)
    micros = -(-dearest * tokens // 1_000_000)
    return min(Decimal(micros) / 1_000_000 + CENT, MOST_USD)
