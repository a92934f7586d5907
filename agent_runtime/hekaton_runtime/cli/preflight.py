"""Try every endpoint before a mission begins: a wrong address should not cost a mission its first minutes."""

import asyncio
from collections.abc import Mapping

from hekaton_runtime.conductor.naming import Endpoint
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.endpoint import ClientSettings
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import BadRequest, ModelError

SHORT = ClientSettings(connect_seconds=5.0, first_byte_seconds=15.0, total_seconds=20.0, attempts=2)
"""A person waits. Listing models is free, so nothing is billed outside the ledger."""


async def preflight(models: Mapping[str, Endpoint]) -> None:
    """Raises `BadInput` with every model that cannot be used, and what the endpoint offers instead."""
    reasons = await asyncio.gather(*(_why_not(one) for one in models.values()))
    found: dict[str, list[str]] = {}
    for name, reason in zip(models, reasons, strict=True):
        found.setdefault(reason, []).append(repr(name))
    found.pop("", None)
    if found:
        raise BadInput([f"model {', '.join(names)}: {reason}" for reason, names in found.items()])


async def _why_not(endpoint: Endpoint) -> str:
    client = OpenAIModel(endpoint.base_url, endpoint.key or None, SHORT)
    try:
        offered = await client.list_models()
    except BadRequest as fault:
        return str(fault)
    except ModelError as fault:
        return (
            f"{fault} Start the server, or give another by --base-url;"
            " `hekaton doctor` looks closer, `--simulate` needs none."
        )
    finally:
        await client.close()
    if offered and endpoint.model not in offered:
        return (
            f"{endpoint.base_url} has no {endpoint.model!r}. It offers: {', '.join(offered[:10])}."
        )
    return ""
