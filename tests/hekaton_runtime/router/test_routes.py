"""Where the router finds each model of a formation."""

import pytest

from hekaton_api.formation import Formation
from hekaton_api.load import parse
from hekaton_runtime.errors import BadInput
from hekaton_runtime.router.routes import key_variable, routes

TEAM = """
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {name: team}
spec:
  models:
    - {name: outside, engine: external, model: served, endpoint: "http://models:8000/v1",
       credentials: {secretKeyRef: {name: keys, key: outside}}}
    - {name: first, engine: vllm, model: Qwen/Qwen3-8B}
    - {name: second, engine: sglang, model: Qwen/Qwen3-8B}
    - {name: paid.one, engine: api, apiModel: gemini/some, credentials: {env: PAID_KEY}}
  roles:
    - {name: sapper, role: sapper, model: first}
    - {name: auditor, role: auditor, model: outside}
""".replace("paid.one", "paid-one")
ENVIRON = {
    "HEKATON_KEY_OUTSIDE": "k1",
    "PAID_KEY": "k2",
    "HEKATON_KEY_FIRST": "none of its business",
}


def team() -> Formation:
    (made,) = parse(TEAM, "team.yaml")
    assert isinstance(made, Formation)
    return made


def test_local_engines_lie_side_by_side_under_the_formation_s_names() -> None:
    found = routes(team().spec, ENVIRON, 9000)
    assert [(found[n].root, found[n].served, found[n].key) for n in ("first", "second")] == [
        ("http://127.0.0.1:9000/v1", "first", ""),
        ("http://127.0.0.1:9001/v1", "second", ""),
    ]


def test_an_external_model_keeps_its_address_its_name_and_its_key() -> None:
    one = routes(team().spec, ENVIRON)["outside"]
    assert (one.root, one.served, one.key, one.api) == (
        "http://models:8000/v1",
        "served",
        "k1",
        False,
    )


def test_a_provider_s_model_is_reached_by_its_own_name() -> None:
    one = routes(team().spec, ENVIRON)["paid-one"]
    assert (one.root, one.served, one.key, one.api) == ("", "gemini/some", "k2", True)


def test_every_absent_key_is_named_at_once() -> None:
    with pytest.raises(BadInput) as fault:
        routes(team().spec, {})
    assert [reason.split(",")[0] for reason in fault.value.reasons] == [
        "model 'outside' needs a key",
        "model 'paid-one' needs a key",
    ]
    assert "HEKATON_KEY_PAID_ONE or PAID_KEY" in fault.value.reasons[1]


def test_the_variable_of_a_key_has_capitals_digits_and_underscores_alone() -> None:
    assert key_variable("qwen3-8b") == "HEKATON_KEY_QWEN3_8B"
