"""What a simulated model says: competence, labels, counts, limits."""

from typing import get_args

import msgspec
import pytest

from hekaton_runtime.answers import TYPES, AnswerName, Patch, parse, schema
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.asked import Malformed, understood
from hekaton_runtime.models.simulated.book import Book, Entry
from hekaton_runtime.models.simulated.faults import Fault, Faults
from hekaton_runtime.models.simulated.generic import LEADS
from hekaton_runtime.models.simulated.script import answer_text, script, spoiled
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.models.simulated.tokens import pieces


def body(text: str, name: str = "", seed: int | None = None, **more: object) -> bytes:
    value: dict[str, object] = {
        "model": "simulated/m",
        "messages": [{"role": "user", "content": text}],
        "seed": seed,
        **more,
    }
    if name:
        known = schema(name) if name in TYPES else {"type": "object"}
        shape = {"name": name, "strict": True, "schema": known}
        value["response_format"] = {"type": "json_schema", "json_schema": shape}
    return msgspec.json.encode(value)


def say(book: Book, name: str, *, competence: float = 1.0, seed: int | None = None) -> str:
    model = SimulatedModel("m", competence)
    asked = understood(body("Write total().", name, seed))
    return answer_text(asked, model, SimulatedSettings(models=(model,), book=book))


def test_work_is_right_as_often_as_the_model_is_competent(book: Book, patch: Patch) -> None:
    answers = [parse(say(book, "patch", competence=0.7, seed=n), Patch) for n in range(1000)]
    share = sum(answer.files == patch.files for answer in answers) / 1000
    assert abs(share - 0.7) <= 5 * (0.7 * 0.3 / 1000) ** 0.5


def test_given_wrong_answers_are_used(patch: Patch) -> None:
    wrong = tuple({"files": [{"path": "x.py", "content": text}]} for text in ("a", "b"))
    book = Book((Entry("s", "Write", {"patch": patch}, {"patch": wrong}),))
    said = {parse(say(book, "patch", competence=0.0, seed=n), Patch).files for n in range(20)}
    assert {files[0].content for files in said} == {"a", "b"}


@pytest.mark.parametrize("name", get_args(AnswerName))
@pytest.mark.parametrize("competence", [0.0, 1.0])
def test_every_answer_is_valid_labelled_and_repeatable(
    book: Book, name: AnswerName, competence: float
) -> None:
    text = say(book, name, competence=competence)
    lead = getattr(parse(text, TYPES[name]), LEADS[name])
    assert lead.startswith("SIMULATED")
    assert say(book, name, competence=competence) == text


def test_a_plan_of_the_book_does_not_depend_on_competence() -> None:
    plan = {"summary": "One step.", "tasks": [{"id": "a", "goal": "Do it."}]}
    book = Book((Entry("s", "Write", {"plan": plan}),))
    assert say(book, "plan", competence=0.0) == say(book, "plan")
    assert '"SIMULATED: One step."' in say(book, "plan")


def test_a_ballot_chooses_among_the_proposals_in_the_prompt() -> None:
    prompt = '<<<DATA abcdefghijkl "B"\nx\nabcdefghijkl>>>\n<<<DATA abcdefghijkm "D"\ny\n'
    model = SimulatedModel("m")
    answers = {
        answer_text(understood(body(prompt, "ballot", n)), model, SimulatedSettings())
        for n in range(30)
    }
    assert {msgspec.json.decode(text)["choice"] for text in answers} == {"B", "D"}


def test_reviews_are_good_as_often_as_the_model_is_competent(book: Book) -> None:
    grades = [
        msgspec.json.decode(say(book, "review", competence=0.6, seed=n))["correctness"]
        for n in range(1000)
    ]
    assert set(grades) == {5, 6, 8, 9}
    share = sum(grade >= 8 for grade in grades) / 1000
    assert abs(share - 0.6) <= 5 * (0.6 * 0.4 / 1000) ** 0.5


def test_an_unknown_schema_gets_a_generated_value(book: Book) -> None:
    assert msgspec.json.decode(say(book, "probe")) == {"note": "SIMULATED"}


def test_free_text_says_that_it_is_simulated(book: Book) -> None:
    assert say(book, "").startswith("SIMULATED")


@pytest.mark.parametrize("limit", [1, 5, 10_000])
def test_the_limit_cuts_and_says_so(book: Book, limit: int) -> None:
    asked = understood(body("Write total().", "patch", max_tokens=limit))
    model = SimulatedModel("m")
    settings = SimulatedSettings(models=(model,), book=book)
    said = script(asked, model, settings)
    whole = answer_text(asked, model, settings)
    assert len(said.pieces) == min(limit, len(pieces(whole)))
    assert whole.startswith("".join(said.pieces))
    assert said.finish == ("stop" if limit == 10_000 else "length")


def test_faults_of_content_change_the_script(book: Book) -> None:
    asked = understood(body("Write total().", "patch", max_tokens=5))
    model = SimulatedModel("m")
    whole = script(asked, model, SimulatedSettings(models=(model,), book=book))
    half = spoiled(whole, Fault("truncated_json"), asked)
    assert (half.pieces, half.finish) == (whole.pieces[:2], "stop")
    assert len(spoiled(whole, Fault("wrong_schema"), asked).pieces) <= 5
    assert not spoiled(whole, Fault("no_usage"), asked).counted
    assert spoiled(whole, Fault("hang"), asked) == spoiled(whole, None, asked) == whole


def test_faults_come_by_number_and_by_seeded_rate() -> None:
    faults = Faults((Fault("busy", rate=0.25), Fault("cut", requests=(3,))), seed=4)
    kinds = [fault.kind if (fault := faults.at(n)) else None for n in range(1, 2001)]
    assert kinds[2] == "cut"
    assert abs(kinds.count("busy") / 2000 - 0.25) <= 5 * (0.25 * 0.75 / 2000) ** 0.5
    assert [faults.at(n) for n in range(1, 50)] == [faults.at(n) for n in range(1, 50)]
    other = Faults(faults.faults, seed=5)
    assert [faults.at(n) for n in range(1, 50)] != [other.at(n) for n in range(1, 50)]


def test_parts_of_a_message_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    message = {"role": "user", "content": parts}
    assert understood(body("", messages=[message])).prompt == "ab"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\xff",
        body("x", messages=[]),
        body("x", max_tokens=0),
        body("x", n=2),
        body("x", response_format={"type": "json_schema"}),
        body("x", response_format={"type": "xml"}),
    ],
)
def test_what_is_no_request_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        understood(data)


def test_settings_say_all_that_is_wrong() -> None:
    with pytest.raises(BadInput) as caught:
        SimulatedSettings(
            models=(SimulatedModel("a", 2.0), SimulatedModel("simulated/a", seconds=-1.0)),
            chunk_tokens=0,
        )
    assert len(caught.value.reasons) == 4
    with pytest.raises(BadInput, match="models is empty"):
        SimulatedSettings(models=())
    with pytest.raises(BadInput, match=r"rate of fault 'cut' is 1\.5"):
        Fault("cut", rate=1.5)
