"""Tasks come in whole, once and in order; what cannot come in is refused with every reason."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from hekaton_runtime.store.postgres import Database

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
Task = dict[str, object]
CURL = (
    '{"task_description": "Analyze the token efficiency of HMA vs Flat agents.",'
    ' "total_budget_tokens": 5000}'
)


async def test_the_body_of_the_seeds_curl_is_accepted_byte_for_byte(opened: Open) -> None:
    async with opened() as http:
        said = {"Content-Type": "application/json", "User-Agent": "curl/8"}
        answer = await http.post("/submit", content=CURL, headers=said)
        seen = answer.json()
        assert (answer.status_code, seen["state"], seen["position"]) == (202, "queued", 1)
        assert seen["total_budget_tokens"] == 5000


async def test_an_accepted_task_is_found_by_its_links(opened: Open, task: Task) -> None:
    async with opened() as http:
        answer = await http.post("/submit", json=task)
        seen = answer.json()
        assert answer.headers["Location"] == seen["links"]["self"]
        assert (await http.get(seen["links"]["self"])).json() == seen
        assert [one["id"] for one in (await http.get("/missions")).json()] == [seen["id"]]


async def test_positions_count_from_the_head_of_the_queue(opened: Open, task: Task) -> None:
    async with opened() as http:
        answers = [(await http.post("/submit", json=task)).json() for _ in range(3)]
        assert [one["position"] for one in answers] == [1, 2, 3]


async def test_older_missions_are_listed_page_by_page(opened: Open, task: Task) -> None:
    async with opened() as http:
        made = [(await http.post("/submit", json=task)).json()["id"] for _ in range(3)]
        first = (await http.get("/missions", params={"limit": 2})).json()
        rest = (await http.get("/missions", params={"before": first[-1]["id"]})).json()
        assert [one["id"] for one in (*first, *rest)] == made[::-1]


async def test_every_reason_is_told_at_once(opened: Open) -> None:
    async with opened() as http:
        wrong = {"task_description": " ", "total_budget_tokens": 0, "budget": 5}
        answer = await http.post("/submit", json=wrong)
        assert answer.status_code == 422
        reasons = answer.json()["reasons"]
        assert [reason.partition(":")[0] for reason in reasons] == [
            "task_description", "total_budget_tokens", "budget",
        ]  # fmt: skip


async def test_each_reason_is_a_sentence_with_field_value_and_remedy(opened: Open) -> None:
    async with opened() as http:
        wrong = {"total_budget_tokens": "5000", "zzz": 1}
        reasons = (await http.post("/submit", json=wrong)).json()["reasons"]
    example = '{"task_description": "Write a parser.", "total_budget_tokens": 5000}'
    known = "task_description, total_budget_tokens, mode, acceptance"
    assert sorted(reasons) == [
        f"task_description: is missing. Send it, for example in {example}.",
        "total_budget_tokens: '5000' is no whole number; give one without quotes, e.g. 5000.",
        f"zzz: is no field of a task (it has the value 1). Leave it out; known: {known}.",
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": 1,', "body: is no JSON: "),
        (b"[1]", "body: [1] is no JSON object"),
        (b"", "body: is missing. Send it"),
        (
            b'{"task_description": " ", "total_budget_tokens": 1}',
            "task_description: ' ' has nothing",
        ),
    ],
    ids=["broken", "a list", "nothing", "a blank"],
)
async def test_a_body_that_is_none_is_refused_in_words(
    opened: Open, body: bytes, said: str
) -> None:
    async with opened() as http:
        headers = {"Content-Type": "application/json"}
        (reason,) = (await http.post("/submit", content=body, headers=headers)).json()["reasons"]
    assert reason.startswith(said)
    assert "decode error" not in reason


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"\\ud800"', b'{"task_description": "a\\u0000b", "total_budget_tokens": 1}',
             b'{"task_description": "a", "total_budget_tokens": true}'],
    ids=["nothing", "broken", "a list", "half a character", "a NUL", "a truth"],
)  # fmt: skip
async def test_what_is_no_task_is_refused(opened: Open, body: bytes) -> None:
    async with opened() as http:
        answer = await http.post(
            "/submit", content=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, bool(answer.json()["reasons"])) == (422, True)


async def test_a_body_without_end_is_cut_off(opened: Open) -> None:
    async with opened() as http:
        assert (await http.post("/submit", content=b" " * (1 << 20) + b"{}")).status_code == 413


async def test_the_same_idempotency_key_makes_one_mission(opened: Open, task: Task) -> None:
    async with opened() as http:
        said = {"Idempotency-Key": "order-17"}
        once = await http.post("/submit", json=task, headers=said)
        again = await http.post("/submit", json=task, headers=said)
        assert (again.status_code, again.json()["id"]) == (202, once.json()["id"])
        assert len((await http.get("/missions")).json()) == 1


async def test_an_idempotency_key_is_not_for_two_tasks(opened: Open, task: Task) -> None:
    async with opened() as http:
        said = {"Idempotency-Key": "order-17"}
        await http.post("/submit", json=task, headers=said)
        other = {**task, "task_description": "Something else."}
        assert (await http.post("/submit", json=other, headers=said)).status_code == 409


async def test_a_full_queue_says_when_to_come_back(opened: Open, task: Task) -> None:
    async with opened(room=1) as http:
        await http.post("/submit", json=task)
        answer = await http.post("/submit", json=task)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0


async def test_of_200_clients_at_once_none_is_lost(
    opened: Open, task: Task, database: Database
) -> None:
    async with opened(room=150) as http:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=http.base_url, limits=limits, timeout=100) as many:
            answers = await asyncio.gather(*(many.post("/submit", json=task) for _ in range(200)))
        codes = [answer.status_code for answer in answers]
        assert (codes.count(202), codes.count(429)) == (150, 50)
        taken = {answer.json()["id"] for answer in answers if answer.status_code == 202}
        listed = (await http.get("/missions", params={"limit": 500})).json()
        assert {one["id"] for one in listed} == taken
        assert sorted(one["position"] for one in listed) == list(range(1, 151))


async def test_a_queued_mission_is_cancelled_for_good(opened: Open, task: Task) -> None:
    async with opened() as http:
        mission = (await http.post("/submit", json=task)).json()["id"]
        for _ in range(2):
            answer = await http.post(f"/missions/{mission}/cancel")
            assert (answer.status_code, answer.json()["state"]) == (202, "stopped")
        assert "cancelled" in answer.json()["reason"]


@pytest.mark.parametrize("place", ["", "/events", "/sitrep", "/artifact"])
async def test_a_mission_that_is_not_there_is_not_found(opened: Open, place: str) -> None:
    async with opened() as http:
        answer = await http.get(f"/missions/task-none{place}")
        assert answer.status_code == 404
        assert "task-none" in answer.json()["reasons"][0]


async def test_papers_are_promised_only_when_they_are_there(opened: Open, task: Task) -> None:
    async with opened() as http:
        links = (await http.post("/submit", json=task)).json()["links"]
        answer = await http.get(links["sitrep"])
        assert (answer.status_code, "queued" in answer.text) == (409, True)
