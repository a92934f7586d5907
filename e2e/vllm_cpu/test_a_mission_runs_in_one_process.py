"""Promise: `hekaton run` works a mission on a real server, and its account is the server's own."""

from collections.abc import Callable

import pytest
from vllm_cpu import judging
from vllm_cpu.commands import FORMATION, MISSION, Hekaton
from vllm_cpu.judging import Worked
from vllm_cpu.serving import NAME, Server


@pytest.fixture(scope="module")
def worked(server: Server, hekaton: Hekaton, figure: Callable[[str], None]) -> Worked:
    before, said = server.settled(), len(server.said())
    ran = hekaton.run(
        "run", MISSION, "--formation", FORMATION, "--base-url", server.url, "--model", NAME, "--json"
    )  # fmt: skip
    account = hekaton.account(ran.finished.mission)
    figure(
        f"one process: {ran.seconds:.1f} s, {account.model.calls} calls, {account.model.tokens_in} tokens in,"
        f" {account.model.tokens_out} out; {ran.finished.outcome}: {ran.finished.reason}"
    )
    return Worked(ran, account, before, server.settled(), server.said()[said:])


def test_it_fails_honestly_with_exit_code_1_and_a_reason(worked: Worked) -> None:
    judging.fails_honestly(worked)


def test_its_sitrep_is_not_marked_simulated(worked: Worked) -> None:
    judging.reports_real_models(worked)


def test_the_ledger_holds_exactly_the_tokens_that_the_server_counted(worked: Worked) -> None:
    judging.charges_what_the_server_counted(worked)


def test_every_call_is_streamed_and_carries_a_json_schema(worked: Worked) -> None:
    judging.streams_with_schemas(worked)


def test_the_analyst_answers_in_the_schema_and_its_usage_is_charged(
    worked: Worked, figure: Callable[[str], None]
) -> None:
    judging.answers_in_the_schema(worked)
    cost = worked.account.roles["analyst"]
    figure(f"triage in its schema: {cost.tokens_in} tokens in, {cost.tokens_out} out")
