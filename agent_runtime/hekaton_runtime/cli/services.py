"""The services as commands: what others ask over HTTP."""

from importlib import import_module
from types import ModuleType
from typing import Annotated

import typer

from hekaton_runtime.cli import options as opt
from hekaton_runtime.cli import outside

app = typer.Typer(rich_markup_mode=None)

Host = Annotated[str, typer.Option(help="Address; others than loopback need API keys.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0: any free one.")]
ModeName = Annotated[str, typer.Option(help="Of tasks that name none.")]
Queue = Annotated[int, typer.Option(min=1, help="Missions that may wait.")]
Rate = Annotated[int, typer.Option(min=1, help="Requests a minute of each API key.")]
WallClock = Annotated[str, typer.Option(help="Of each mission.")]
ToCluster = Annotated[
    bool, typer.Option("--cluster", help="Make Missions in a cluster, and work none here.")
]
Usd = Annotated[
    str, typer.Option(help="Of each mission, US dollars.  [default: what its tokens can cost]")
]


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8080,
    formation: opt.FormationName = "simulated",
    mode: ModeName = "hierarchical",
    base_url: opt.BaseUrl = "",
    model: opt.ModelName = "",
    simulate: opt.Simulate = False,
    competence: opt.Competence = 1.0,
    seed: opt.Seed = 0,
    latency: opt.Latency = 0.0,
    parallel: opt.Parallel = 4,
    queue: Queue = 1000,
    rate: Rate = 600,
    wall_clock: WallClock = "1h",
    budget_usd: Usd = "",
    unsafe_no_sandbox: opt.Unsafe = False,
    cluster: ToCluster = False,
    namespace: outside.Namespace = "",
    context: outside.Context = "",
) -> None:
    """Take tasks over HTTP (POST /submit) and work them here; HEKATON_API_KEYS says who may ask."""
    from hekaton_runtime.conductor.records import Simulation

    if cluster or namespace or context:
        mine = bool(simulate or model or unsafe_no_sandbox)
        front = _front(cluster=cluster, mine=mine)
        fronting = front.Fronting(
            host=host, port=port, namespace=namespace, context=context, formation=formation, mode=mode,
            queue=queue, rate=rate, wall_clock=wall_clock, usd=budget_usd,
        )  # fmt: skip
        raise typer.Exit(front.serve(fronting))
    door = _door("serve")
    simulation = Simulation(competence=competence, seed=seed, latency=latency) if simulate else None
    wanted = door.Serving(
        host=host, port=port, formation=formation, mode=mode, base_url=base_url, model=model,
        simulation=simulation, parallel=parallel, queue=queue, rate=rate, wall_clock=wall_clock,
        usd=budget_usd, unsafe=unsafe_no_sandbox,
    )  # fmt: skip
    raise typer.Exit(door.serve(wanted))


def _front(*, cluster: bool, mine: bool) -> ModuleType:
    """The service before a cluster; raises `BadInput`. `mine`: options of models that are ours to run."""
    from hekaton_runtime.errors import BadInput

    reasons = []
    if not cluster:
        reasons.append("serve: --namespace and --context belong to --cluster. Add it.")
    if mine:
        reasons.append(
            "serve --cluster: --simulate, --model and --unsafe-no-sandbox are the formation's"
            " business there. Leave them out."
        )
    if reasons:
        raise BadInput(reasons)
    outside.commands()
    return _door("serve_cluster")


def _door(name: str) -> ModuleType:
    """A module of the CLI that needs FastAPI; raises `BadInput` where that is not installed."""
    try:
        return import_module(f"hekaton_runtime.cli.{name}")
    except ImportError as fault:
        from hekaton_runtime.errors import BadInput

        if not (fault.name or "").startswith("fastapi"):
            raise
        said = "FastAPI is not installed: pip install 'hekaton[service]'."
        raise BadInput([said]) from fault
