"""Loading: every fault at once, each with its line; kubectl's reading of YAML; no secret shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hekaton_api.errors import Finding, Invalid
from hekaton_api.formation import Formation
from hekaton_api.load import load, parse
from hekaton_api.mission import Mission

Findings = Callable[[str], tuple[Finding, ...]]
EXAMPLES = Path(__file__).parents[2] / "manifests" / "formations"


@pytest.mark.parametrize("name", ["simulated", "local-endpoint"])
def test_the_examples_are_valid_and_named_as_their_files(name: str) -> None:
    (formation,) = load(EXAMPLES / f"{name}.yaml")
    assert formation.metadata.name == name


def test_the_simulated_team_counts_money_and_has_every_seat() -> None:
    (formation,) = load(EXAMPLES / "simulated.yaml")
    assert isinstance(formation, Formation)
    assert [role.name for role in formation.spec.roles] == [
        *("researcher-1", "researcher-2", "researcher-3", "reasoner", "architect"),
        *("sapper-1", "sapper-2", "auditor", "analyst"),
    ]
    assert all(model.price.output_micros > 0 for model in formation.spec.models)
    assert {model.name for model in formation.spec.models} == {"sim-strong", "sim-fast"}


def test_several_documents_are_read_in_order(formation_text: str, mission_text: str) -> None:
    text = f"# both\n---\n{formation_text}---  # next\n{mission_text}---\n# nothing here\n---\n"
    assert [type(each) for each in parse(text, "f")] == [Formation, Mission]


def test_a_list_is_read_as_its_items(formation_text: str) -> None:
    inner = "\n".join("    " + line for line in formation_text.splitlines())
    text = "apiVersion: v1\nkind: List\nitems:\n  -\n" + inner
    (formation,) = parse(text, "f")
    assert formation.metadata.name == "team"
    with pytest.raises(Invalid) as caught:
        parse(text.replace("instances: 3", "instances: 0"), "f")
    (found,) = caught.value.findings
    assert found.field == "items[0].spec.roles[0].instances"
    assert (
        "instances: 0" in text.replace("instances: 3", "instances: 0").splitlines()[found.line - 1]
    )


def test_a_finding_is_one_clear_line(mission_text: str, findings_of: Findings) -> None:
    (found,) = findings_of(mission_text.replace("200000", "-5"))
    assert str(found) == (
        "f.yaml:14: spec.budget.tokens: -5 is not at least 1. "
        "Give a whole number of tokens, e.g. 200000."
    )


def test_all_faults_of_all_documents_come_at_once(
    formation_text: str, mission_text: str, findings_of: Findings
) -> None:
    text = "\n---\n".join(
        [
            mission_text.replace("200000", "-5").replace("goal:", "gaol:"),
            "a: b: c",
            formation_text.replace("instances: 3", "instances: 0, instances: 1"),
            "kind: Pod",
        ]
    )
    assert [each.field for each in findings_of(text)] == [
        *("spec.goal", "spec.gaol", "spec.budget.tokens", ""),
        *("spec.roles[0].instances", "kind", "apiVersion"),
    ]


def test_rules_between_fields_are_told_beside_faults_inside_of_them(
    formation_text: str, findings_of: Findings
) -> None:
    text = formation_text.replace("role: sapper, model: big", "role: sapper, model: bigg, foo: 1")
    text = text.replace("  roles:\n", "  debate: {roundTimeout: soon}\n  roles:\n")
    text = text.replace("engine: api", "engine: vllm")
    assert {each.field for each in findings_of(text)} == {
        "spec.debate.roundTimeout",
        "spec.models[1].model",
        "spec.models[1].apiModel",
        "spec.roles[1].foo",
        "spec.roles[1].model",
    }


def test_rules_wait_while_a_field_that_they_read_is_wrong(
    formation_text: str, findings_of: Findings
) -> None:
    text = formation_text.replace("instances: 3", "instances: '3'")
    text = text.replace("  roles:\n", "  debate: {quorum: 3}\n  roles:\n")
    assert [each.field for each in findings_of(text)] == ["spec.roles[0].instances"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("acceptance:", "acceptence:", "Did you mean 'acceptance'?"),
        (
            "kind: Mission",
            "kind: Misson",
            "Did you mean 'Mission'? Known kinds: Formation, Mission",
        ),
        ("/v1alpha1", "/v1", "hekaton.dev/v1alpha1"),
        ("goal: Make the tests pass.", "goal: yes", "Put it in quotes: 'yes'."),
        ("goal: Make the tests pass.", "goal: 3.10", "Put it in quotes: '3.10'."),
        ("goal: Make the tests pass.", "goal: 010", "Put it in quotes: '010'."),
        ("goal: Make the tests pass.", "goal:", "is empty"),
        ("tokens: 200000", 'tokens: "200000"', "without quotes"),
        ("tokens: 200000", "tokens:", "is empty"),
        ("formation: team", "formation: team\n  mode: no", "put yes, no, on and off in quotes"),
        ("formation: team", "formation: team\n  suspend: 'yes'", "true or false without quotes"),
        ("formation: team", "formation: My Team", "is not a DNS label"),
        ("  budget:\n    tokens: 200000\n    usd: 2.50\n", "  budget: 5\n", "Put fields below it"),
        ("    tokens: 200000\n", "", "spec.budget.tokens is missing"),
        ('["python -m pytest -q"]', "make test", "is not a list"),
        ("name: fix-it", "name: fix-it\n  labels: {a b: c}", "is not a key of a label"),
        ("name: fix-it", "name: fix-it\n  labels: {a: c d}", "is not a value of a label"),
        ("name: fix-it", "name: fix-it\n  annotations: 3", "is not a group of names and values"),
        ("tokens: 200000", "tokens: !!int x", "has a tag"),
        ("tokens: 200000", "tokens: !mine 3", "has a tag"),
        ("tokens: 200000", "tokens: [1", "Close every '['"),
        ("tokens: 200000", "tokens: 200000\n\tusd: 1", "Indent with spaces"),
        ("goal: Make", "goal: 'Make", "Close the quotes."),
        ("goal: Make the", "goal: *Make", "put text that begins with '*' in quotes"),
        ("goal: Make the", "goal: @Make", "begins with this character in quotes"),
        ("goal: Make", "goal: Ma: ke", "in quotes, or mend the indentation"),
        ("goal: Make", "? [a]\n  : Make", "has a key that is no text"),
        ("goal: Make", "<<: 3\n  goal: Make", "merges what is no mapping"),
        ("apiVersion", "%YAML 1.2\n---\napiVersion", "begin with '%'"),
        ("apiVersion", "a: 1\n...\napiVersion", "is a second document"),
        ("Make", "\x01", "may not stand in YAML"),
    ],
)
def test_a_common_mistake_has_a_helpful_remedy(
    mission_text: str, findings_of: Findings, old: str, new: str, words: str
) -> None:
    assert words in "\n".join(str(each) for each in findings_of(mission_text.replace(old, new, 1)))


def test_a_key_given_twice_names_both_lines(mission_text: str, findings_of: Findings) -> None:
    (found,) = findings_of(mission_text + "    tokens: 7\n    \n")
    assert (found.line, found.field) == (16, "spec.budget.tokens")
    assert "the first is in line 14" in found.problem


def test_malformed_yaml_has_line_and_column(findings_of: Findings) -> None:
    (found,) = findings_of("---\n\n---\na: 1\nb: c: d\n")
    assert (found.line, found.problem[:26]) == (5, "is not YAML at column 5: m")


def test_anchors_and_merges_are_followed(formation_text: str, findings_of: Findings) -> None:
    text = formation_text.replace(
        "- {name: sapper, role: sapper, model: big}",
        "- &s {name: sapper, role: sapper, model: big}\n    - {<<: *s, name: sapper-2}",
    )
    assert findings_of(text) == ()
    (found,) = findings_of(text.replace("name: sapper-2", "name: sapper-2, tier: huge"))
    assert found.field == "spec.roles[2].tier"


def test_a_bomb_of_aliases_is_refused(findings_of: Findings) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40)]
    merges = ["m0: &m0 {k: v}"] + [
        f"m{i}: &m{i} {{<<: [*m{i - 1}, *m{i - 1}]}}" for i in range(1, 40)
    ]
    for bomb in (lines, merges, ["[" * 3000]):
        assert any("too" in each.problem for each in findings_of("\n".join(bomb)))


@pytest.mark.parametrize("goal", ["&a [*a]", "&a {b: [*a]}", "&a {<<: *a}", "&a [*a, *a, *a]"])
def test_an_alias_of_what_it_stands_in_is_the_only_thing_told(
    mission_text: str, findings_of: Findings, goal: str
) -> None:
    (found,) = findings_of(mission_text.replace("Make the tests pass.", goal))
    assert found.line == 6
    assert found.field.startswith("spec.goal")
    assert found.problem == "is an alias of what it stands in"


def test_what_is_too_deep_makes_nothing_else_seem_empty(
    mission_text: str, findings_of: Findings
) -> None:
    text = mission_text.replace("Make the tests pass.", "[" * 80 + "]" * 80)
    (found,) = findings_of(text)
    assert found.problem == "is too large or nested too deeply"


def test_an_empty_file_says_what_to_write(findings_of: Findings) -> None:
    (found,) = findings_of("# nothing\n---\n")
    assert found.problem == "holds no object"


def test_secrets_never_reach_a_finding(formation_text: str, findings_of: Findings) -> None:
    secret = "hunter2"
    for old, new in (
        ("{env: GEMINI_API_KEY}", f"{{env: '{secret}!'}}"),
        ("{env: GEMINI_API_KEY}", f"{{env: GEMINI_API_KEY, key: {secret}}}"),
        ("{env: GEMINI_API_KEY}", secret),
        ("{env: GEMINI_API_KEY}", f"{{secretKeyRef: {{name: x, key: '{secret} /'}}}}"),
        ("{env: GEMINI_API_KEY}", f"{{env: [{secret}]}}"),
        ("engine: api", f"engine: api\n      apiKey: {secret}"),
        ("http://127.0.0.1:8000/v1", f"http://me:{secret}@host/v1"),
        ("http://127.0.0.1:8000/v1", f"http://host/v1?key={secret}"),
        ("{env: GEMINI_API_KEY}", f"{{env: '{secret}"),
    ):
        found = findings_of(formation_text.replace(old, new))
        assert found
        assert secret not in str(found), new


def test_long_values_are_cut(mission_text: str, findings_of: Findings) -> None:
    (found,) = findings_of(mission_text.replace("formation: team", f"formation: {'X' * 500}"))
    assert len(found.value) <= 82
    assert found.value.endswith("...'")


def test_a_file_that_is_not_utf8_says_where(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(Invalid) as caught:
        load(file)
    assert str(caught.value) == f"{file}:2: is not UTF-8. Save the file as UTF-8."


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.yaml")


def test_a_text_beyond_the_server_limit_is_refused(findings_of: Findings) -> None:
    (found,) = findings_of("#" * (3 * 1024 * 1024 + 1))
    assert "larger than" in found.problem
