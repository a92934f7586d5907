"""Promise: before anything is spent, `hekaton doctor` says whether a server will do."""

from collections.abc import Callable

from vllm_cpu.commands import Hekaton, Ran
from vllm_cpu.serving import NAME, Server


def endpoint(ran: Ran) -> tuple[bool, str]:
    (found,) = [(one["works"], one["what"]) for one in ran.objects if one["part"] == "endpoint"]
    return found


def test_doctor_names_the_model_and_that_it_takes_json_schemas_for_under_100_tokens(
    server: Server, hekaton: Hekaton, figure: Callable[[str], None]
) -> None:
    before = server.settled()
    ran = hekaton.run("doctor", "--base-url", server.url, "--json")
    spent = server.settled().tokens - before.tokens
    assert endpoint(ran) == (True, f"{server.url}: {NAME}; takes JSON schemas")
    assert 0 < spent < 100
    figure(f"doctor: {ran.seconds:.1f} s, {spent} tokens of the endpoint")


def test_doctor_says_where_nobody_listens(server: Server, hekaton: Hekaton) -> None:
    nowhere = "http://127.0.0.1:9/v1"
    ran = hekaton.run("doctor", "--base-url", nowhere, "--json")
    works, what = endpoint(ran)
    assert (ran.code, works) == (1, False)
    assert nowhere in what
