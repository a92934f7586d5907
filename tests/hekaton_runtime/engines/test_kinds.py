"""The command lines of the engines carry the planner's figures and listen on this machine alone."""

import pytest

from hekaton_api.formation import Formation
from hekaton_api.load import parse
from hekaton_api.vram import flags
from hekaton_api.vram.catalog import shipped
from hekaton_api.vram.plan import Plan, plan
from hekaton_runtime.engines.kinds import kinds, remedy
from hekaton_runtime.engines.launcher import works
from hekaton_runtime.errors import BadInput

TEAM = """
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {name: pair}
spec:
  hardware: {profile: PROFILE}
  models:
    - {name: first, engine: vllm, model: Qwen/Qwen2.5-Coder-1.5B-Instruct, contextLength: 8192}
    - {name: outside, engine: external, endpoint: "http://models:8000"}
    - {name: second, engine: sglang, model: Qwen/Qwen2.5-Coder-1.5B-Instruct, contextLength: 8192}
  roles:
    - {name: sapper, role: sapper, model: first}
    - {name: auditor, role: auditor, model: second}
"""


def planned(profile: str = "gh200-96") -> Plan:
    (made,) = parse(TEAM.replace("PROFILE", profile), "pair.yaml")
    assert isinstance(made, Formation)
    return plan(made, shipped())


def test_each_engine_has_the_planned_flags_and_the_next_port() -> None:
    found = works(planned(), kinds({}), 8100, {})
    engines = [placed.engine for placed in planned().models]
    assert found[0].command == (*flags.command(engines[0]), "--host", "127.0.0.1", "--port", "8100")
    assert found[1].command[:3] == ("python", "-m", "sglang.launch_server")
    assert found[1].command[-5:] == ("--host", "127.0.0.1", "--port", "8101", "--enable-metrics")
    assert [one.state.model for one in found] == ["first", "second"]


def test_the_environment_names_the_programs() -> None:
    named = {
        "HEKATON_VLLM": "/opt/v/bin/vllm",
        "HEKATON_SGLANG": "/opt/s/bin/python -m sglang.launch_server",
    }
    first, second = works(planned(), kinds(named), 8100, {})
    assert first.command[:2] == ("/opt/v/bin/vllm", "serve")
    assert second.command[:4] == ("/opt/s/bin/python", "-m", "sglang.launch_server", "--model-path")


def test_an_engine_is_not_told_what_is_ours() -> None:
    environ = {"PATH": "/bin", "HEKATON_DB_PASSWORD": "secret", "HEKATON_VLLM": "vllm"}
    for one in works(planned(), kinds(environ), 8100, environ):
        assert dict(one.environ) == {"PATH": "/bin", "VLLM_NO_USAGE_STATS": "1"}


def test_a_formation_that_does_not_fit_is_refused_with_the_figures() -> None:
    with pytest.raises(BadInput, match="does not fit"):
        works(planned("custom, memoryGiB: 8, gpus: 1"), kinds({}), 8100, {})


def test_a_command_line_with_an_open_quote_is_refused() -> None:
    with pytest.raises(BadInput, match="quotes"):
        kinds({"HEKATON_VLLM": "vllm '"})


@pytest.mark.parametrize(
    ("engine", "name"), [("vllm", "HEKATON_VLLM"), ("sglang", "HEKATON_SGLANG")]
)
def test_the_remedy_for_an_absent_program_can_be_followed(engine: str, name: str) -> None:
    said = remedy(engine)
    assert f"pip install {engine}" in said
    value = said.partition(f"{name}='")[2].partition("'")[0]
    kind = kinds({name: value})
    assert (kind.vllm if engine == "vllm" else kind.sglang).program == tuple(value.split())
