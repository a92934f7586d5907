"""What replies and refusals mean."""

from collections.abc import Callable

import pytest

from hekaton_runtime.models.protocol import Billed, CompletionRequest
from hekaton_runtime.models.verdicts import (
    judged,
    pause_asked,
    phrase,
    refused_feature,
    remedy,
    server_words,
    worth_another_try,
)
from hekaton_runtime.models.wire import Dialect, Reply
from hekaton_runtime.results import Usage

Ask = Callable[..., CompletionRequest]
USAGE = Usage(prompt_tokens=5, completion_tokens=2)


def test_a_whole_reply_becomes_a_completion(ask: Ask) -> None:
    done = judged(Reply("hi", "stop", "", 0, USAGE), ask(), 1.5)
    assert (done.text, done.usage, done.model, done.seconds) == ("hi", USAGE, "simulated/m", 1.5)


@pytest.mark.parametrize(
    ("text", "finish", "kind"),
    [
        ("{}", "length", "truncated"),
        ("", "stop", "invalid"),
        (" \n", "stop", "invalid"),
        ("<think>all there is</think>", "stop", "invalid"),
        ("{}", "abort", "invalid"),
        ("{}", "content_filter", "invalid"),
        ('{"half', "stop", "invalid"),
        ("Here: {}", "stop", "invalid"),
    ],
)
def test_a_charged_reply_that_is_no_use_says_what_it_cost(
    ask: Ask, text: str, finish: str, kind: str
) -> None:
    with pytest.raises(Billed) as caught:
        judged(Reply(text, finish, "m", 0, USAGE), ask(answer="triage"), 0.0)
    assert (caught.value.kind, caught.value.usage) == (kind, USAGE)


def test_usage_that_the_server_does_not_count_is_estimated(ask: Ask) -> None:
    done = judged(Reply("ä" * 5, "stop", "m", 3, None), ask("x" * 10), 0.0)
    assert done.usage == Usage(prompt_tokens=4, completion_tokens=5, estimated=True)


def test_an_estimate_does_not_exceed_what_the_server_may_generate(ask: Ask) -> None:
    done = judged(Reply("x" * 900, "stop", "m", 0, None), ask(max_tokens=20), 0.0)
    assert done.usage.completion_tokens == 20


def test_free_text_is_not_unwrapped(ask: Ask) -> None:
    text = "```json\n{}\n```"
    assert judged(Reply(text, "stop", "m", 0, USAGE), ask(), 0.0).text == text


@pytest.mark.parametrize(
    ("code", "again"),
    [(408, True), (429, True), (500, True), (503, True), (529, True), (400, False), (404, False)],
)
def test_only_temporary_refusals_are_tried_again(code: int, again: bool) -> None:
    assert worth_another_try(code) is again


@pytest.mark.parametrize("code", [302, 400, 401, 402, 403, 404, 413, 418, 422, 429, 500, 999])
def test_every_status_has_a_name_and_a_remedy(code: int) -> None:
    assert phrase(code).startswith(str(code))
    assert remedy(code).endswith(".")


def test_a_refused_feature_is_recognised_once() -> None:
    said = "extra field 'stream_options' is not permitted"
    full = Dialect()
    assert refused_feature(422, said, full, asked=True) == "stream_usage"
    assert refused_feature(500, said, full, asked=True) is None
    assert refused_feature(422, said, full.without("stream_usage"), asked=True) is None
    assert refused_feature(400, "response_format?", full, asked=True) == "json_schema"
    assert refused_feature(400, "response_format?", full, asked=False) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error":{"message":"no\\nluck"}}', "no luck"),
        (b'{"error":"none"}', "none"),
        (b'{"message":"flat"}', "flat"),
        (b'{"detail":[{"msg":"x"}]}', '[{"msg":"x"}]'),
        (b"<html>\x1b[31m502", "<html> [31m502"),
        (b"\xff", "\ufffd"),
        (b"", ""),
    ],
)
def test_the_servers_words_are_found_in_any_body(body: bytes, said: str) -> None:
    assert server_words(body, str) == said


def test_the_servers_words_are_cleaned_before_they_are_cut() -> None:
    body = b"x" * 498 + b"sk-secret"
    said = server_words(body, lambda text: text.replace("sk-secret", "***"))
    assert len(said) <= 500
    assert "sk" not in said


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0.0),
        ("", 0.0),
        ("12", 12.0),
        (" 1.5 ", 1.5),
        ("soon", 0.0),
        ("-3", 0.0),
        ("²", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0),
        ("Thu, 01 Jan 1970 00:00:00 -0000", 0.0),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str | None, seconds: float) -> None:
    assert pause_asked(header, 60.0) == seconds
