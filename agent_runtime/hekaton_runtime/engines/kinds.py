"""The model servers that Hekaton starts, beside each other behind one seam. Pure."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, assert_never

from hekaton_api.vram import flags
from hekaton_api.vram.engine import Engine
from hekaton_runtime.errors import BadInput

HERE = "127.0.0.1"
VLLM, SGLANG = "HEKATON_VLLM", "HEKATON_SGLANG"
"""Variables that name the two programs."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a server answers what, below its own address."""

    health: str
    metrics: str


class Kind(Protocol):
    """One kind of model server."""

    @property
    def paths(self) -> Paths:
        """The same for every server of the kind."""
        ...

    def command(self, engine: Engine, port: int) -> tuple[str, ...]:
        """Program and arguments, with the planner's memory, listening on this machine alone."""
        ...


@dataclass(frozen=True, slots=True)
class Vllm:
    """vLLM's own server."""

    program: tuple[str, ...] = ("vllm",)

    @property
    def paths(self) -> Paths:
        return Paths("/health", "/metrics")

    def command(self, engine: Engine, port: int) -> tuple[str, ...]:
        _, *words = flags.command(engine)
        return (*self.program, *words, "--host", HERE, "--port", str(port))


@dataclass(frozen=True, slots=True)
class Sglang:
    """SGLang's."""

    program: tuple[str, ...] = ("python", "-m", "sglang.launch_server")

    @property
    def paths(self) -> Paths:
        return Paths("/health", "/metrics")

    def command(self, engine: Engine, port: int) -> tuple[str, ...]:
        _, _, _, *words = flags.command(engine)
        metrics = ("--enable-metrics",)
        return (*self.program, *words, "--host", HERE, "--port", str(port), *metrics)


@dataclass(frozen=True, slots=True)
class Kinds:
    """The programs of this machine."""

    vllm: Vllm = Vllm()
    sglang: Sglang = Sglang()

    def of(self, engine: Engine) -> Kind:
        """The kind that a model asks for; only models served here are planned."""
        match engine.spec.engine:
            case "vllm":
                return self.vllm
            case "sglang":
                return self.sglang
            case "api" | "external" as elsewhere:
                raise BadInput([f"model {engine.spec.name!r} is served elsewhere ({elsewhere})."])
            case _:
                assert_never(engine.spec.engine)


def remedy(engine: str) -> str:
    """What to do where an engine's program is not on this machine."""
    if engine == "sglang":
        name, package, program = SGLANG, "sglang", "/opt/sglang/bin/python -m sglang.launch_server"
    else:
        name, package, program = VLLM, "vllm", "/opt/vllm/bin/vllm"
    return (
        f"Install it (`pip install {package}`, best in an environment of its own) and name its"
        f" command: {name}='{program}'"
    )


def kinds(environ: Mapping[str, str]) -> Kinds:
    """The programs that the environment names, as a shell would read them."""
    try:
        vllm, sglang = (tuple(shlex.split(environ.get(name, ""))) for name in (VLLM, SGLANG))
    except ValueError as fault:
        raise BadInput(
            [f"{VLLM} or {SGLANG} is no command line ({fault}). Mend its quotes."]
        ) from fault
    return Kinds(Vllm(vllm) if vllm else Vllm(), Sglang(sglang) if sglang else Sglang())
