"""Promise: the same mission with broker, agents and conductor as processes over CURVE tcp."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from vllm_cpu import judging
from vllm_cpu.commands import FORMATION, MISSION, Hekaton, ended, tell
from vllm_cpu.judging import Worked
from vllm_cpu.serving import NAME, Server, free_port

ROLES = ("analyst", "researcher", "sapper", "auditor")


@pytest.fixture(scope="module")
def worked(server: Server, hekaton: Hekaton, folder: Path, figure: Callable[[str], None]) -> Worked:
    keys = str(folder / "keys")
    made = hekaton.run("keys", keys, "conductor", *ROLES)
    assert made.code == 0, made.error
    bus, control = (f"tcp://127.0.0.1:{free_port()}" for _ in range(2))
    reach = ("--base-url", server.url, "--model", NAME)
    placed = ("--bus", bus, "--keys", keys, "--formation", FORMATION, *reach)
    before, said = server.settled(), len(server.said())
    parts = [hekaton.begin("broker", "--bus", bus, "--control", control, "--keys", keys)]
    parts += [hekaton.begin("agent", "--role", role, *placed) for role in ROLES]
    ran = hekaton.run("conductor", MISSION, *placed, "--json")
    for part in reversed(parts):
        tell(part, signal.SIGTERM)
    ends = [ended(part) for part in parts]
    assert [(one.code, one.error) for one in ends] == [(0, "")] * len(parts)
    account = hekaton.account(ran.finished.mission)
    figure(
        f"{len(parts) + 1} processes: {ran.seconds:.1f} s, {account.model.calls} calls,"
        f" {account.model.tokens_in} tokens in, {account.model.tokens_out} out;"
        f" {ran.finished.outcome}: {ran.finished.reason}"
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


def test_the_analyst_answers_in_the_schema_and_its_usage_is_charged(worked: Worked) -> None:
    judging.answers_in_the_schema(worked)
