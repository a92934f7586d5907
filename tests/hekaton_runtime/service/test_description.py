"""The OpenAPI document tells the truth: requests made from it, right and wrong ones, meet what it promises."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from hekaton_runtime.service.keys import from_environ

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
KEY = "0123456789abcdef"
EXAMPLES = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def hold(url: str) -> int:
    """Ask every operation, from a thread of its own; the number of requests."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    asked = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @EXAMPLES
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: "schemathesis.Case[Any]") -> None:
                nonlocal asked
                asked += 1
                case.call_and_validate(headers={"X-API-Key": KEY})

            check()
    return asked


async def test_requests_made_from_the_description_meet_what_it_promises(opened: Open) -> None:
    keys = from_environ({"HEKATON_API_KEYS": f"tester:{KEY}"})
    async with opened(keys=keys, room=10_000) as http:
        assert await asyncio.to_thread(hold, str(http.base_url)) > 50
