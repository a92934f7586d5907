"""The services as commands: what others ask over HTTP."""

from typing import Annotated

import typer

from hekaton_runtime.cli import options as opt

app = typer.Typer(rich_markup_mode=None)


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address; others than loopback need API keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0: any free one.")] = 8080,
    formation: opt.FormationName = "simulated",
    mode: Annotated[str, typer.Option(help="Of tasks that name none.")] = "hierarchical",
    base_url: opt.BaseUrl = "",
    model: opt.ModelName = "",
    simulate: opt.Simulate = False,
    competence: opt.Competence = 1.0,
    seed: opt.Seed = 0,
    latency: opt.Latency = 0.0,
    parallel: opt.Parallel = 4,
    queue: Annotated[int, typer.Option(min=1, help="Missions that may wait.")] = 1000,
    rate: Annotated[int, typer.Option(min=1, help="Requests a minute of each API key.")] = 600,
    wall_clock: Annotated[str, typer.Option(help="Of each mission.")] = "1h",
    budget_usd: Annotated[
        str,
        typer.Option(help="Of each mission, US dollars.  [default: what its tokens can cost]"),
    ] = "",
    unsafe_no_sandbox: opt.Unsafe = False,
) -> None:
    """Take tasks over HTTP (POST /submit) and work them here; HEKATON_API_KEYS says who may ask."""
    from hekaton_runtime.conductor.records import Simulation

    try:
        from hekaton_runtime.cli.serve import Serving, serve
    except ImportError as fault:
        from hekaton_runtime.errors import BadInput

        if not (fault.name or "").startswith("fastapi"):
            raise
        said = "FastAPI is not installed: pip install 'hekaton[service]'."
        raise BadInput([said]) from fault
    simulation = Simulation(competence=competence, seed=seed, latency=latency) if simulate else None
    wanted = Serving(
        host=host, port=port, formation=formation, mode=mode, base_url=base_url, model=model,
        simulation=simulation, parallel=parallel, queue=queue, rate=rate, wall_clock=wall_clock,
        usd=budget_usd, unsafe=unsafe_no_sandbox,
    )  # fmt: skip
    raise typer.Exit(serve(wanted))
