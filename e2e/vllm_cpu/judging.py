"""What every mission on the tiny model must show, however its processes are laid out."""

import json
from dataclasses import dataclass

from vllm_cpu.commands import Account, Ran
from vllm_cpu.serving import NAME, Counters

ABORTED = " aborted."
"""Ends the server's line about a request whose client went away."""


@dataclass(frozen=True, slots=True)
class Worked:
    """A mission that has ended, the account of it, and the server's counters around it."""

    ran: Ran
    account: Account
    before: Counters
    after: Counters
    log: str
    """What the server wrote meanwhile."""

    @property
    def calls(self) -> int:
        return self.after.finished - self.before.finished


def fails_honestly(worked: Worked) -> None:
    """The tests of the mission decide, and a model that writes at random passes none."""
    finished = worked.ran.finished
    assert worked.ran.code == 1, worked.ran.error
    assert finished.outcome == worked.account.state == "failed"
    assert finished.reason
    assert "Traceback" not in worked.ran.error


def reports_real_models(worked: Worked) -> None:
    """SITREP.md and sitrep.json name the cause and are not marked SIMULATED."""
    finished = worked.ran.finished
    paper = finished.sitrep.read_text()
    report = json.loads(finished.sitrep.with_name("sitrep.json").read_text())
    assert finished.reason.split(":")[0] in paper
    assert "SIMULATED" not in paper + worked.ran.out
    assert (report["outcome"], report["simulated"], report["banners"]) == ("failed", False, [])
    assert [line["name"] for line in report["cost_by_model"]] == [NAME]
    assert report["budget"]["tokens"]["spent"] == worked.account.spent


def charges_what_the_server_counted(worked: Worked) -> None:
    """To the token, prompt and answer apart; nothing estimated, nothing left reserved."""
    cost, before, after = worked.account.model, worked.before, worked.after
    assert cost.tokens_in == after.prompt - before.prompt
    assert cost.tokens_out == after.generated - before.generated
    assert cost.calls == worked.calls == len(worked.ran.replies)
    assert (cost.unknown_calls, cost.estimated, worked.log.count(ABORTED)) == (0, 0, 0)
    assert (worked.account.spent, worked.account.reserved) == (cost.tokens, 0)


def streams_with_schemas(worked: Worked) -> None:
    """By the server's own log: each call carried a JSON schema and was answered as a stream."""
    asked = worked.log.count("structured_outputs=StructuredOutputsParams(json={'type': 'object'")
    assert asked == worked.log.count("(streaming complete)") == worked.calls > 0


def answers_in_the_schema(worked: Worked) -> None:
    """The analyst's answer is exactly the JSON that was asked for, at the first try."""
    (triage,) = [reply for reply in worked.ran.replies if reply.step == "triage"]
    cost = worked.account.roles["analyst"]
    assert (triage.fault, triage.model, cost.calls) == ("", NAME, 1)
    assert triage.tokens == cost.tokens
    assert cost.tokens_in > 500
    assert 10 < cost.tokens_out < 3000
