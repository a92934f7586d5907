"""The simulated server as a client without our own code sees it."""

import asyncio
import os
import signal
import socket

import httpx
import msgspec
import pytest
from starlette.responses import PlainTextResponse

from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.faults import Fault, Faults
from hekaton_runtime.models.simulated.server import run_forever, serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings

CHAT = {
    "model": "simulated/m",
    "messages": [{"role": "user", "content": "hello"}],
    "max_tokens": 50,
}


def settings(*faults: Fault, seconds_per_token: float = 0.0) -> SimulatedSettings:
    model = SimulatedModel("m", seconds_per_token=seconds_per_token)
    return SimulatedSettings(models=(model,), faults=Faults(faults))


def http(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False)


async def test_everything_says_simulated() -> None:
    async with serve(settings()) as url, http(url) as client:
        for path in ("/v1/models", "/billing", "/health", "/none"):
            assert (await client.get(path)).headers["x-simulated"] == "SIMULATED"
        answer = await client.post("/v1/chat/completions", json=CHAT)
        (model,) = (await client.get("/v1/models")).json()["data"]
    assert answer.headers["x-simulated"] == "SIMULATED"
    assert answer.json()["system_fingerprint"] == "SIMULATED"
    assert answer.json()["choices"][0]["message"]["content"].startswith("SIMULATED")
    assert model["id"].startswith("simulated/")
    assert model["owned_by"] == "SIMULATED"


async def test_a_stream_and_a_whole_answer_say_and_count_the_same() -> None:
    streamed = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    async with serve(settings()) as url, http(url) as client:
        whole = (await client.post("/v1/chat/completions", json=CHAT)).json()
        lines = (await client.post("/v1/chat/completions", json=streamed)).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    chunks = [msgspec.json.decode(line.removeprefix("data: ")) for line in lines[:-2]]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == whole["usage"]
    assert whole["usage"]["total_tokens"] == sum(
        whole["usage"][name] for name in ("prompt_tokens", "completion_tokens")
    )


async def test_usage_is_streamed_only_when_asked_for() -> None:
    async with serve(settings()) as url, http(url) as client:
        answer = await client.post("/v1/chat/completions", json={**CHAT, "stream": True})
    assert "usage" not in answer.text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messages": []}, 400),
        ({"model": "gpt"}, 404),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"$ref": "#"}},
                }
            },
            400,
        ),
    ],
)
async def test_refusals_have_the_usual_form_and_are_not_billed(
    change: dict[str, object], code: int
) -> None:
    async with serve(settings()) as url, http(url) as client:
        answer = await client.post("/v1/chat/completions", json={**CHAT, **change})
        bill = (await client.get("/billing")).json()
    assert answer.status_code == code
    assert answer.json()["error"]["message"].startswith("SIMULATED: ")
    assert bill["totals"]["calls"] == 0


async def test_a_busy_server_says_when_to_come_again() -> None:
    async with serve(settings(Fault("busy", rate=1.0, retry_after=3))) as url, http(url) as client:
        answer = await client.post("/v1/chat/completions", json=CHAT)
        bill = (await client.get("/billing")).json()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert bill["totals"]["calls"] == 0


async def test_a_client_that_leaves_a_whole_answer_pays_for_what_was_generated() -> None:
    patience = httpx.Timeout(10, read=0.5)
    async with serve(settings(seconds_per_token=0.1)) as url, http(url) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/v1/chat/completions", json=CHAT, timeout=patience)
        calls: list[dict[str, object]] = []
        while not calls:
            calls = (await client.get("/billing")).json()["calls"]
    assert calls[0]["ending"] == "disconnected"
    assert calls[0]["completion_tokens"] in range(16)


async def test_a_cut_whole_answer_is_billed_in_full() -> None:
    async with serve(settings(Fault("cut", rate=1.0))) as url, http(url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/v1/chat/completions", json=CHAT)
        (call,) = (await client.get("/billing")).json()["calls"]
    assert call["ending"] == "fault"
    assert call["completion_tokens"] > 5


async def test_latency_is_by_token() -> None:
    loop = asyncio.get_running_loop()
    async with serve(settings(seconds_per_token=0.01)) as url, http(url) as client:
        began = loop.time()
        answer = await client.post("/v1/chat/completions", json=CHAT)
        took = loop.time() - began
    assert took >= 0.01 * answer.json()["usage"]["completion_tokens"]


async def test_any_asgi_app_can_be_served() -> None:
    async with serve(PlainTextResponse("hi")) as url, http(url) as client:
        assert (await client.get("/")).text == "hi"


async def test_an_address_in_use_is_refused_with_the_remedy() -> None:
    async with serve(settings()) as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(BadInput, match=f"127.0.0.1:{port}.*give a free port"):
            async with serve(settings(), port=port):
                pass


async def test_serving_takes_no_signal_and_frees_the_port() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with serve(settings()) as url:
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1]))) != 0


async def test_a_fault_in_the_block_comes_out() -> None:
    with pytest.raises(KeyError, match="ours"):
        async with serve(settings()):
            raise KeyError("ours")


async def test_the_command_announces_its_url_and_ends_on_sigterm() -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    running = asyncio.create_task(run_forever(settings(), announce=said.put_nowait))
    line = await said.get()
    assert line.startswith("SIMULATED models at http://127.0.0.1:")
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 5)
