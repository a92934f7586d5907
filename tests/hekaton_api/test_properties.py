"""Properties: what is dumped loads again, and no text at all upsets the loader."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_api import units
from hekaton_api.blocks import TIERS, Debate, Memory, Planning, Review
from hekaton_api.dump import dump
from hekaton_api.errors import Finding, Invalid
from hekaton_api.formation import Formation, FormationSpec
from hekaton_api.load import parse
from hekaton_api.meta import ObjectMeta
from hekaton_api.mission import Acceptance, Budget, Mission, MissionSpec
from hekaton_api.models import Credentials, ModelSpec, Price
from hekaton_api.roles import Role
from hekaton_api.sources import File, Git, Workspace

PLAIN = st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"])
names = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?\Z") | st.sampled_from(
    ["y", "on", "08"]
)
texts = st.text(PLAIN | st.sampled_from("\n\t: #-'\"\\"), min_size=1, max_size=40).filter(str.strip)
money = st.integers(1, 10**12).map(units.dollars)
prices = st.builds(Price, input_per_mtok=money, output_per_mtok=st.just(Decimal(0)) | money)
spans = st.integers(1, 10**7).map(units.duration)
metas = st.builds(
    ObjectMeta,
    name=names,
    namespace=st.none() | names,
    labels=st.dictionaries(names, names | st.just(""), max_size=3),
)
models = st.builds(
    ModelSpec,
    name=names.filter(lambda name: name != "auto"),
    engine=st.just("external"),
    model=st.none() | texts,
    endpoint=st.just("http://127.0.0.1:8000/v1"),
    context_length=st.integers(8192, 100_000),
    extra_args=st.lists(texts, max_size=3).map(tuple),
    credentials=st.none() | st.just(Credentials(env="KEY")),
    price=prices,
)
roles = st.builds(
    Role,
    name=names,
    role=st.sampled_from(["sapper", "researcher", "auditor"]),
    instances=st.integers(1, 4),
    temperature=st.floats(0, 2),
    max_tokens=st.integers(1, 4096),
)
specs = st.builds(
    FormationSpec,
    models=st.lists(models, min_size=1, max_size=3, unique_by=lambda m: m.name).map(tuple),
    roles=st.lists(roles, max_size=4, unique_by=lambda r: r.name).map(
        lambda some: (*some, Role(name="a-last-sapper", role="sapper"))
    ),
    debate=st.builds(Debate, round_timeout=spans),
    review=st.builds(Review, pass_score=st.floats(0, 10), max_loops=st.integers(0, 10)),
    planning=st.builds(Planning, swarm=st.booleans()),
    memory=st.builds(Memory, tiers=st.sets(st.sampled_from(TIERS)).map(tuple)),
)
formations = st.builds(
    Formation,
    apiVersion=st.just("hekaton.dev/v1alpha1"),
    kind=st.just("Formation"),
    metadata=metas,
    spec=specs,
)
files = st.lists(
    st.builds(
        File, path=names, content=st.text(PLAIN | st.sampled_from("\n\t\x01\r"), max_size=60)
    ),
    max_size=3,
    unique_by=lambda file: file.path,
).map(tuple)
missions = st.builds(
    Mission,
    apiVersion=st.just("hekaton.dev/v1alpha1"),
    kind=st.just("Mission"),
    metadata=metas,
    spec=st.builds(
        MissionSpec,
        goal=texts,
        formation=names,
        workspace=st.builds(Workspace, files=files)
        | st.just(Workspace(git=Git(url="https://host/x.git", ref="1.10"))),
        acceptance=st.builds(
            Acceptance,
            commands=st.lists(texts, min_size=1, max_size=3).map(tuple),
            timeout=spans,
            files=files,
        ),
        budget=st.builds(Budget, tokens=st.integers(1, 10**9), usd=money, wall_clock=spans),
        suspend=st.booleans(),
    ),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(formations | missions, min_size=1, max_size=2))
def test_what_is_dumped_loads_again_equal(objects: list[Formation | Mission]) -> None:
    assert parse(dump(objects), "f") == tuple(objects)


def findings(text: str) -> tuple[Finding, ...]:
    try:
        parse(text, "f")
    except Invalid as invalid:
        return invalid.findings
    return ()


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab: -\n?[]{}&*!|>'\"%@`#,~.<0\t\r\x00\ufeff\u2028é"), max_size=60))
def test_no_text_upsets_the_loader(text: str) -> None:
    assert all(str(found) and found.remedy for found in findings(text))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_unicode_upsets_the_loader(text: str) -> None:
    assert all(str(found) for found in findings(text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=70, deadline=None)
@given(data=st.data())
def test_any_value_in_any_place_is_loaded_or_refused_with_words(data: st.DataObject) -> None:
    (mission,) = parse(GOOD, "f")
    tree = mission.model_dump(mode="json", by_alias=True, exclude_none=True)
    here: Any = tree
    while True:
        spots = list(here) if isinstance(here, dict) else list(range(len(here)))
        spot = data.draw(st.sampled_from(spots))
        if not isinstance(here[spot], dict | list) or not here[spot] or data.draw(st.booleans()):
            break
        here = here[spot]
    here[spot] = data.draw(JSON)
    assert all(found.line and found.remedy for found in findings(flow(tree)))


def flow(value: Any) -> str:
    """Flow style: JSON, but for what only YAML can say."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    if isinstance(value, str):
        return "'" + value.replace("'", "''").replace("\n", "\n\n") + "'"
    return "~" if value is None else str(value).lower()


GOOD = flow(
    {
        "apiVersion": "hekaton.dev/v1alpha1",
        "kind": "Mission",
        "metadata": {"name": "m", "labels": {"a": "b"}},
        "spec": {
            "goal": "g",
            "formation": "f",
            "workspace": {"files": [{"path": "a", "content": "x"}]},
            "acceptance": {"commands": ["true"], "timeout": "1m"},
            "budget": {"tokens": 5, "usd": 1.5, "wallClock": "1h"},
            "review": {"maxLoops": 1, "rubric": {"style": 0.2}},
            "artifact": {"pvc": {"claimName": "c", "path": "p"}},
        },
    }
)
