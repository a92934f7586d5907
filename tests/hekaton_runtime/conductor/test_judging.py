"""What an outcome costs, where models are reached, and whether an owner is dead: pure decisions."""

import os
from fractions import Fraction
from pathlib import Path

import pytest

from hekaton_api.formation import Formation
from hekaton_api.load import load
from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.bus.messages import Answered, Faulted, Outcome
from hekaton_runtime.conductor.asking import Seated, judged
from hekaton_runtime.conductor.lease import is_gone, owner
from hekaton_runtime.conductor.naming import Endpoint, Override, Provided, endpoints
from hekaton_runtime.errors import BadInput
from hekaton_runtime.ledger.money import Price
from hekaton_runtime.results import Answer, Failed, Usage

FORMATIONS = Path(__file__).resolve().parents[3] / "manifests" / "formations"
PROFILE = Profile(
    name="s1",
    role="sapper",
    tier="medium",
    model="m",
    temperature=0.0,
    max_tokens=100,
    context_length=4096,
)
SEAT = Seated(PROFILE, Price(Fraction(5, 4), Fraction(10)))
USED = Usage(prompt_tokens=3, completion_tokens=2)


def test_an_answer_is_charged_at_its_usage_rounded_up() -> None:
    bill, result = judged(
        SEAT, Answered(text="{}", usage=USED, model="m", seconds=1.0, instance="s1-1")
    )
    assert (bill.state, bill.micros) == ("settled", 24)
    assert result == Answer(text="{}", agent="s1-1", model="m", tokens=5, micros=24)


@pytest.mark.parametrize(
    ("outcome", "state", "micros"),
    [
        (Faulted(kind="invalid", detail="d", usage=USED, billed=True), "settled", 24),
        (Faulted(kind="unknown", detail="d", usage=None, billed=True), "unknown", 0),
        (Faulted(kind="rejected", detail="d", usage=None, billed=False), "released", 0),
    ],
    ids=["billed and useless", "nobody knows", "not billed"],
)
def test_a_fault_is_charged_by_what_is_known_of_it(
    outcome: Outcome, state: str, micros: int
) -> None:
    bill, result = judged(SEAT, outcome)
    assert (bill.state, bill.micros) == (state, micros)
    assert isinstance(result, Failed)


def simulated() -> Formation:
    formation = load(FORMATIONS / "simulated.yaml")[0]
    assert isinstance(formation, Formation)
    return formation


def test_an_override_replaces_address_name_and_key_of_every_model() -> None:
    found = endpoints(simulated().spec, Override("http://h/v1", "big", "k"), {})
    assert {(one.base_url, one.model, one.key) for one in found.values()} == {
        ("http://h/v1", "big", "k")
    }


def test_the_key_of_the_override_is_never_sent_to_an_address_from_a_file() -> None:
    found = endpoints(simulated().spec, Override(key="k"), {"OPENAI_API_KEY": "k"})
    assert {one.key for one in found.values()} == {""}


def test_a_model_that_needs_a_cluster_is_refused_with_what_to_do() -> None:
    spec = simulated().spec
    local = spec.models[0].model_copy(update={"engine": "vllm", "endpoint": None})
    with pytest.raises(BadInput, match="--simulate"):
        endpoints(spec.model_copy(update={"models": (local, *spec.models[1:])}), Override(), {})


def test_models_of_providers_are_where_the_run_serves_them() -> None:
    spec = simulated().spec
    paid = spec.models[0].model_copy(update={"engine": "api", "api_model": "gemini/g"})
    spec = spec.model_copy(update={"models": (paid, *spec.models[1:])})
    here = Provided({paid.name: Endpoint("http://here", "gemini/g", "token")})
    assert endpoints(spec, Override(), {}, here)[paid.name].base_url == "http://here"
    with pytest.raises(BadInput, match="no key"):
        endpoints(spec, Override(), {}, Provided(reasons=("no key",)))


def test_a_key_never_shows_in_a_text() -> None:
    assert "secret" not in repr(Override("http://h", "m", "secret"))


def test_this_process_is_no_dead_owner_and_a_vanished_one_is() -> None:
    host, boot, _, started = owner().split("/")
    assert not is_gone(owner())
    assert is_gone(f"{host}/{boot}/{os.getpid()}/1")
    assert is_gone(f"{host}/{boot}/4194305/{started}")


def test_nothing_is_known_of_another_machines_processes() -> None:
    assert not is_gone("elsewhere/boot/1/1")
    assert not is_gone("somebody")
