"""Try what a mission needs before it begins: a wrong address should not cost it its first minutes."""

import asyncio
import re
import subprocess
from collections.abc import Mapping

from hekaton_api.mission import Mission
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.keys import PeerKeys
from hekaton_runtime.conductor.naming import Endpoint
from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.models.endpoint import ClientSettings
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import BadRequest, ModelError

SHORT = ClientSettings(connect_seconds=5.0, first_byte_seconds=15.0, total_seconds=20.0, attempts=2)
"""A person waits. Listing models is free, so nothing is billed outside the ledger."""

SHELL = "/bin/sh"
BLAME = re.compile(r"^\S*sh: (?:-c: )?(?:line )?\d+: ")
"""How a shell begins its complaints: its own name and a line."""


def refuse_unstartable(mission: Mission) -> None:
    """Raises `BadInput` with every acceptance command that no shell could begin with."""
    commands = mission.spec.acceptance.commands
    faults = ((number, command, _misread(command)) for number, command in enumerate(commands))
    if reasons := [
        f"spec.acceptance.commands[{number}]: {command!r} cannot start: {why}. Mend the command."
        for number, command, why in faults
        if why
    ]:
        raise BadInput(reasons)


def _misread(command: str) -> str:
    """What the shell has against a command, which it only reads; empty: nothing."""
    try:
        done = subprocess.run(
            [SHELL, "-n", "-c", command], env={}, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )  # fmt: skip
    except (OSError, ValueError) as fault:  # too long, a NUL, no text
        return str(fault)
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return BLAME.sub("", said[0]).rstrip(".") if said else f"{SHELL} ended with {done.returncode}"


async def refuse_silent(bus: str, mission: str, keys: PeerKeys | None) -> None:
    """Raises `BadInput` where no broker answers."""
    try:
        async with Caller.connect(bus, mission=mission, keys=keys):
            pass
    except Unavailable as fault:
        raise BadInput([f"--bus: {fault}"]) from fault


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
