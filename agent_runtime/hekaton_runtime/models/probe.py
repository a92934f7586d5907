"""Ask an endpoint what it offers, for `hekaton doctor`: reachable, models, latency, JSON schemas."""

import time
from dataclasses import dataclass

from hekaton_runtime.models.endpoint import ClientSettings
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import (
    AnswerSchema,
    Billed,
    CompletionRequest,
    Message,
    ModelError,
)

SETTINGS = ClientSettings(
    connect_seconds=5.0, first_byte_seconds=30.0, total_seconds=60.0, attempts=1
)
"""A person waits: short patience, no retries."""
TOKENS = 16
"""Enough to see whether a schema is taken; some servers refuse less."""


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """What a probe saw."""

    url: str
    reachable: bool
    """Something answered as a model endpoint does."""
    models: tuple[str, ...]
    seconds: float
    """For the list of models, connecting included; 0 if it could not be had."""
    json_schema: bool | None
    """Whether `response_format` with a schema is taken; None if that could not be found out."""
    detail: str
    """What went wrong, as a sentence; empty if nothing."""


async def probe(base_url: str, key: str | None = None, model: str | None = None) -> EndpointReport:
    """Look at an endpoint; one tiny call is billed, to `model` or the first on offer.

    Raises `BadInput` if the URL or the key cannot be used at all.
    """
    client = OpenAIModel(base_url, key, SETTINGS)
    try:
        began = time.monotonic()
        models = await client.list_models()
        seconds = time.monotonic() - began
        if not models and model is None:
            return EndpointReport(
                client.root, True, (), seconds, None, f"{client.root} offers no model; load one."
            )
        schema, detail = await _takes_schema(client, model or models[0])
        return EndpointReport(client.root, True, models, seconds, schema, detail)
    except ModelError as fault:
        return EndpointReport(client.root, False, (), 0.0, None, str(fault))
    finally:
        await client.close()


async def _takes_schema(client: OpenAIModel, model: str) -> tuple[bool | None, str]:
    shape = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    request = CompletionRequest(
        model=model,
        messages=(Message(role="user", content='Answer with {"ok": true}.'),),
        max_tokens=TOKENS,
        answer=AnswerSchema(name="probe", schema=shape),
    )
    try:
        await client.complete(request)
    except Billed:
        return client.dialect.json_schema, ""
    except ModelError as fault:
        return None, str(fault)
    return client.dialect.json_schema, ""
