"""Single fields of a formation changed from the command line, validated like a file."""

from collections.abc import Callable
from typing import Any

import pytest

from hekaton_api.errors import Invalid
from hekaton_api.formation import Formation
from hekaton_api.overlay import overlaid


@pytest.fixture
def team(formation_text: str, only: Callable[..., Any]) -> Formation:
    made = only(formation_text, Formation)
    assert isinstance(made, Formation)
    return made


def refused(team: Formation, *changes: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        overlaid(team, changes)
    return [str(finding) for finding in caught.value.findings]


def test_an_entry_of_a_list_is_meant_by_its_name_or_its_number(team: Formation) -> None:
    made = overlaid(
        team,
        ("models.big.endpoint=http://127.0.0.1:9/v1", "roles.0.instances=5", "review.maxLoops=0"),
    )
    assert made.spec.models[0].endpoint == "http://127.0.0.1:9/v1"
    assert made.spec.roles[0].instances == 5
    assert made.spec.review.max_loops == 0
    assert made.spec.models[1] == team.spec.models[1]


def test_texts_beyond_ascii_are_kept(team: Formation) -> None:
    made = overlaid(team, ('models.big.extraArgs=["\U0001f600", "é", "\\x7f\\\\ud83d"]',))
    assert made.spec.models[0].extra_args == ("\U0001f600", "é", "\x7f\\ud83d")
    assert overlaid(made, ("replicas=2",)).spec.models == made.spec.models


def test_a_nul_is_refused_as_in_a_file(team: Formation) -> None:
    (said,) = refused(team, 'models.big.model="a\\0b"')
    assert said.startswith("--set: spec.models[0].model: 'a\\x00b' holds a NUL character")


def test_spec_may_stand_in_front_and_values_may_hold_an_equals_sign(team: Formation) -> None:
    made = overlaid(team, ("spec.models.big.extraArgs=[--load=fast, --seed=7]",))
    assert made.spec.models[0].extra_args == ("--load=fast", "--seed=7")


def test_null_takes_a_field_back_to_its_default(team: Formation) -> None:
    made = overlaid(team, ("models.far.credentials=null",))
    assert made.spec.models[1].credentials is None


def test_no_change_gives_an_equal_formation(team: Formation) -> None:
    assert overlaid(team, ()) == team


def test_every_change_that_cannot_be_made_is_told_at_once(team: Formation) -> None:
    assert refused(
        team, "models.bigg.endpoint=http://x/v1", "nonsense", "replicas.deep=1", "a=["
    ) == [
        "--set: models: 'bigg' is no entry of it. Did you mean 'big'? Known: big, far.",
        "--set: 'nonsense' is no change of a field. "
        "Write PATH=VALUE, e.g. models.local.contextLength=32768.",
        "--set: 'replicas.deep' reaches into 'replicas', a value. "
        "Write PATH=VALUE, e.g. models.local.contextLength=32768.",
        "--set: a: '[' is no YAML value. Put it in quotes: --set 'A=\"B\"'.",
    ]


def test_what_a_file_may_not_say_a_change_may_not_either(team: Formation) -> None:
    found = refused(team, "models.big.contxtLength=4096", "roles.sapper.model=gone")
    assert len(found) == 2
    assert found[0].startswith("--set: spec.models[0].contxtLength")
    assert "Did you mean 'contextLength'" in found[0]
    assert found[1].startswith("--set: spec.roles[1].model: 'gone' is not the name of a model")


def test_a_value_under_credentials_is_masked(team: Formation) -> None:
    found = refused(team, "models.far.credentials.env=sk-this is the key itself")
    assert found
    assert not any("sk-this" in each for each in found)
