"""Who may ask, how often, and that one client knows nothing of another's missions."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from hekaton_runtime.service.keys import from_environ

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
Task = dict[str, object]
ALICE, BOB = "alice-0123456789abcdef", "bob-0123456789abcdef"
KEYS = from_environ({"HEKATON_API_KEYS": f"alice:{ALICE},bob:{BOB}"})


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"X-API-Key": ""}, {"Authorization": f"Basic {ALICE}"}],
    ids=["none", "wrong", "empty", "another scheme"],
)
async def test_without_a_valid_key_nothing_is_told(opened: Open, headers: dict[str, str]) -> None:
    async with opened(keys=KEYS) as http:
        answer = await http.get("/missions", headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": f"Bearer {ALICE}"}, {"X-API-Key": ALICE}],
    ids=["bearer", "header"],
)
async def test_a_key_opens_the_door(opened: Open, headers: dict[str, str]) -> None:
    async with opened(keys=KEYS) as http:
        assert (await http.get("/missions", headers=headers)).status_code == 200


async def test_a_client_sees_its_own_missions_alone(opened: Open, task: Task) -> None:
    async with opened(keys=KEYS) as http:
        alice, bob = {"X-API-Key": ALICE}, {"X-API-Key": BOB}
        made = (await http.post("/submit", json=task, headers=alice)).json()
        assert (await http.get("/missions", headers=bob)).json() == []
        assert (await http.get(made["links"]["self"], headers=bob)).status_code == 404
        assert (await http.post(made["links"]["cancel"], headers=bob)).status_code == 404
        assert len((await http.get("/missions", headers=alice)).json()) == 1


async def test_without_keys_a_request_under_a_foreign_name_is_refused(opened: Open) -> None:
    async with opened() as http:
        for host in ("evil.example", "10.0.0.7:8080", ""):
            assert (await http.get("/missions", headers={"Host": host})).status_code == 403
        for host in ("localhost:8080", "127.0.0.1", "[::1]:80"):
            assert (await http.get("/missions", headers={"Host": host})).status_code == 200


async def test_each_key_has_its_own_rate(opened: Open) -> None:
    async with opened(keys=KEYS, rate=2) as http:
        alice, bob = {"X-API-Key": ALICE}, {"X-API-Key": BOB}
        codes = [(await http.get("/missions", headers=alice)).status_code for _ in range(3)]
        late = await http.get("/missions", headers=alice)
        assert codes == [200, 200, 429]
        assert 1 <= int(late.headers["Retry-After"]) <= 30
        assert (await http.get("/missions", headers=bob)).status_code == 200


async def test_health_figures_and_description_need_no_key(opened: Open) -> None:
    async with opened(keys=KEYS) as http:
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            assert (await http.get(path)).status_code == 200
        said = (await http.get("/metrics")).text
        for name in (
            "hma_tokens_total",
            "hma_worker_errors_total",
            "hma_task_duration_seconds_count",
        ):
            assert f"\n{name} 0.0\n" in said
        assert ALICE not in said
