"""From the documents a user writes to what strategies and conductors need. Pure."""

from collections.abc import Mapping
from fractions import Fraction

from hekaton_api.blocks import Review
from hekaton_api.formation import FormationSpec
from hekaton_api.mission import MissionSpec
from hekaton_api.models import ModelSpec
from hekaton_api.roles import Role
from hekaton_api.team import model_of
from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.conductor.asking import Seated
from hekaton_runtime.ledger.money import Price
from hekaton_runtime.strategies.values import Assignment, Rules, Seat, Team


def assignment(mission: MissionSpec, formation: FormationSpec) -> Assignment:
    """What the strategy may know of a mission."""
    return Assignment(
        goal=mission.goal,
        acceptance=mission.acceptance.commands,
        acceptance_seconds=float(mission.acceptance.timeout_seconds),
        team=Team(tuple(_seat(role, model_for(formation, role)) for role in formation.roles)),
        rules=rules(mission.review or formation.review, formation),
    )


def rules(review: Review, formation: FormationSpec) -> Rules:
    weights, debate, planning = review.rubric, formation.debate, formation.planning
    return Rules(
        max_loops=review.max_loops,
        pass_score=review.pass_score,
        weights=(weights.correctness, weights.style, weights.security, weights.test_coverage),
        tools=review.evidence,
        debate_rounds=debate.max_rounds,
        topology=debate.topology,
        arbiter=debate.arbiter,
        quorum=debate.quorum,
        round_seconds=float(debate.round_seconds),
        swarm=planning.swarm,
        skip_below="" if planning.skip_below == "none" else planning.skip_below,
        samples=planning.samples,
        attempts=planning.attempts,
        barrier=planning.barrier,
        grace=float(planning.grace_seconds),
    )


def _seat(role: Role, model: ModelSpec) -> Seat:
    return Seat(role.name, role.role, role.tier, model.name, model.price.output_micros)


def seats(formation: FormationSpec, names: Mapping[str, str]) -> dict[str, Seated]:
    """Every role entry with its model's context, price, and name at its endpoint (`names`)."""
    return {role.name: _seated(role, model_for(formation, role), names) for role in formation.roles}


def model_for(formation: FormationSpec, role: Role) -> ModelSpec:
    """The model a role names; for `auto` the cheapest that holds its answers."""
    if model := model_of(formation, role):
        return model
    fit = [m for m in formation.models if m.context_length >= role.max_tokens + 1024]
    return min(fit or formation.models, key=lambda m: (m.price.output_micros, m.price.input_micros))


def _seated(role: Role, model: ModelSpec, names: Mapping[str, str]) -> Seated:
    profile = Profile(
        name=role.name, role=role.role, tier=role.tier, model=names.get(model.name, model.sent_name), temperature=role.temperature,
        max_tokens=role.max_tokens, context_length=model.context_length,
    )  # fmt: skip
    per_token = Fraction(1, 1_000_000)
    price = Price(model.price.input_micros * per_token, model.price.output_micros * per_token)
    return Seated(profile, price, model.name)
