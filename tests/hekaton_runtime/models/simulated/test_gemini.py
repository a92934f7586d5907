"""The simulated server as a client of the Gemini API sees it, and as LiteLLM does."""

from typing import Any, get_args

import httpx
import msgspec
import pytest

from hekaton_runtime.answers import TYPES, AnswerName, parse, schema
from hekaton_runtime.models.simulated.faults import Fault, Faults
from hekaton_runtime.models.simulated.gemini import understood
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings

KEY = "key-of-the-provider"
PATH = "/v1beta/models/simulated/gemini-2.5-pro"
ASKED = {"contents": [{"role": "user", "parts": [{"text": "Hello."}]}]}


def settings(*faults: Fault) -> SimulatedSettings:
    model = SimulatedModel("gemini-2.5-pro")
    return SimulatedSettings(models=(model,), faults=Faults(faults), key=KEY)


def http(url: str, key: str = KEY) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, headers={"x-goog-api-key": key})


def wanting(name: AnswerName) -> dict[str, Any]:
    form = {"responseMimeType": "application/json", "responseJsonSchema": schema(name)}
    return {**ASKED, "generationConfig": form}


async def test_a_stream_and_a_whole_answer_say_and_count_the_same() -> None:
    async with serve(settings()) as url, http(url) as client:
        whole = (await client.post(f"{PATH}:generateContent", json=ASKED)).json()
        told = await client.post(f"{PATH}:streamGenerateContent?alt=sse", json=ASKED)
        bill = (await client.get("/billing")).json()
    frames = [
        msgspec.json.decode(line.removeprefix("data: ")) for line in told.text.split("\n\n")[:-1]
    ]
    parts = [frame["candidates"][0]["content"]["parts"][0]["text"] for frame in frames]
    assert "".join(parts) == whole["candidates"][0]["content"]["parts"][0]["text"]
    assert frames[-1]["candidates"][0]["finishReason"] == "STOP"
    assert frames[-1]["usageMetadata"] == whole["usageMetadata"]
    assert whole["usageMetadata"]["totalTokenCount"] * 2 == sum(
        bill["totals"][name] for name in ("prompt_tokens", "completion_tokens")
    )


async def test_everything_says_simulated() -> None:
    async with serve(settings()) as url, http(url) as client:
        answer = await client.post(f"{PATH}:generateContent", json=ASKED)
    assert answer.headers["x-simulated"] == "SIMULATED"
    assert "SIMULATED" in answer.json()["modelVersion"]
    assert "SIMULATED" in answer.json()["candidates"][0]["content"]["parts"][0]["text"]


@pytest.mark.parametrize("name", get_args(AnswerName))
async def test_each_of_our_answers_is_known_by_its_schema(name: AnswerName) -> None:
    async with serve(settings()) as url, http(url) as client:
        answer = await client.post(f"{PATH}:generateContent", json=wanting(name))
    text = answer.json()["candidates"][0]["content"]["parts"][0]["text"]
    assert isinstance(parse(text, TYPES[name]), TYPES[name])


def test_both_spellings_of_a_field_mean_the_same() -> None:
    camel = {
        **ASKED, "systemInstruction": {"parts": [{"text": "S"}]},
        "generationConfig": {"maxOutputTokens": 9, "responseMimeType": "application/json"},
    }  # fmt: skip
    snake = {
        **ASKED, "system_instruction": {"parts": [{"text": "S"}]},
        "generation_config": {"max_output_tokens": 9, "response_mime_type": "application/json"},
    }  # fmt: skip
    one, other = (understood(msgspec.json.encode(each), "m:generateContent") for each in (camel, snake))  # fmt: skip
    assert one == other
    assert (one.max_tokens, one.answer, one.messages[0].role) == (9, "", "system")


async def test_an_answer_that_is_too_long_ends_with_max_tokens() -> None:
    asked = {**wanting("plan"), "generationConfig": {"maxOutputTokens": 3}}
    async with serve(settings()) as url, http(url) as client:
        answer = (await client.post(f"{PATH}:generateContent", json=asked)).json()
    assert answer["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert answer["usageMetadata"]["candidatesTokenCount"] == 3


@pytest.mark.parametrize(
    ("path", "body", "key", "code", "status"),
    [
        (f"{PATH}:generateContent", ASKED, "wrong", 401, "UNAUTHENTICATED"),
        ("/v1beta/models/other:generateContent", ASKED, KEY, 404, "NOT_FOUND"),
        (f"{PATH}:countTokens", ASKED, KEY, 400, "INVALID_ARGUMENT"),
        (f"{PATH}:generateContent", {}, KEY, 400, "INVALID_ARGUMENT"),
        (f"{PATH}:generateContent", ["no object"], KEY, 400, "INVALID_ARGUMENT"),
    ],
    ids=["key", "model", "method", "empty", "no object"],
)
async def test_refusals_are_written_as_the_api_writes_them(
    path: str, body: object, key: str, code: int, status: str
) -> None:
    async with serve(settings()) as url, http(url, key) as client:
        answer = await client.post(path, json=body)
        bill = (await client.get("/billing")).json()
    assert answer.status_code == answer.json()["error"]["code"] == code
    assert answer.json()["error"]["status"] == status
    assert bill["totals"]["calls"] == 0


async def test_faults_happen_here_too() -> None:
    async with serve(settings(Fault("busy", (1,), retry_after=2))) as url, http(url) as client:
        answer = await client.post(f"{PATH}:generateContent", json=ASKED)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
