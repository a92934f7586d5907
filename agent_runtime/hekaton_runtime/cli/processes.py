"""The parts of `run` as commands of their own: conductor, broker, agent, simulated models, keys."""

from pathlib import Path
from typing import Annotated

import typer

from hekaton_runtime.cli.options import (
    ArtifactFolder,
    AsJson,
    BaseUrl,
    Bus,
    Files,
    FormationName,
    HealthPort,
    Keys,
    Latency,
    ModelName,
    Permits,
    Plain,
    Seed,
    Socket,
    SourceFolder,
    Unsafe,
    WholeId,
)

app = typer.Typer(rich_markup_mode=None)


@app.command()
def conductor(
    files: Files,
    bus: Bus,
    formation: FormationName = "",
    base_url: BaseUrl = "",
    model: ModelName = "",
    keys: Keys = None,
    mission: WholeId = "",
    permits: Permits = None,
    workspace: Socket = None,
    source: SourceFolder = None,
    artifact: ArtifactFolder = None,
    unsafe_no_sandbox: Unsafe = False,
    as_json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Run a mission with the agents behind a broker: `run` without agents of its own."""
    if mission:
        from hekaton_runtime.cli.conducting import Conducting, conduct
        from hekaton_runtime.cli.running import Show

        job = Conducting(
            mission, tuple(files), formation, bus, keys, permits, workspace, source, artifact,
            unsafe_no_sandbox, Show(as_json, plain),
        )  # fmt: skip
        raise typer.Exit(conduct(job))
    from hekaton_runtime.cli.running import Wanted, run_mission
    from hekaton_runtime.errors import BadInput

    if permits or workspace or source or artifact:
        raise BadInput(["conductor: --permits, --workspace, --source and --artifact need --id."])
    wanted = Wanted(
        files=tuple(files), formation=formation, base_url=base_url, model=model, unsafe=unsafe_no_sandbox,
        as_json=as_json, plain=plain, bus=bus, keys=keys,
    )  # fmt: skip
    raise typer.Exit(run_mission(wanted))


@app.command()
def broker(
    bus: Annotated[
        list[str], typer.Option(help="ipc://PATH or tcp://HOST:PORT to listen on; repeatable.")
    ],
    control: Annotated[str, typer.Option(help="Address of the kill switch's channel.")],
    keys: Keys = None,
    formation: Annotated[
        str, typer.Option(help="Ready only once this formation's agents are there.")
    ] = "",
    health_port: HealthPort = None,
) -> None:
    """Serve as the broker between conductors and agents."""
    from hekaton_runtime.cli.serving import Brokering, serve_broker

    raise typer.Exit(serve_broker(Brokering(tuple(bus), control, keys, formation, health_port)))


@app.command()
def agent(
    bus: Bus,
    formation: FormationName,
    role: Annotated[str, typer.Option(help="Name of an entry of the formation's roles.")],
    instance: Annotated[str, typer.Option(help="Name of this instance.")] = "",
    instances: Annotated[int, typer.Option(min=1, max=64, help="How many, in this process.")] = 1,
    base_url: BaseUrl = "",
    model: ModelName = "",
    keys: Keys = None,
    capacity: Annotated[int, typer.Option(min=1, help="Questions at once, each.")] = 4,
    health_port: HealthPort = None,
) -> None:
    """Serve as one agent of a formation, or as several of one role entry."""
    from hekaton_runtime.cli.serving import Seating, serve_seat

    raise typer.Exit(
        serve_seat(
            Seating(
                bus,
                formation,
                role,
                instance,
                base_url,
                model,
                keys,
                capacity,
                instances,
                health_port,
            )
        )
    )


@app.command()
def simulate(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="NAME=COMPETENCE, 0 to 1; repeatable.  [default: sim-strong, sim-fast]"
        ),
    ] = None,
    book: Annotated[list[Path] | None, typer.Option(help="Answer book; repeatable.")] = None,
    seed: Seed = 0,
    latency: Latency = 0.0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
) -> None:
    """Serve simulated models as an OpenAI-compatible endpoint; all they say is marked SIMULATED."""
    from hekaton_runtime.cli.simulation import serve_simulated

    chosen = models or ["sim-strong=1.0", "sim-fast=1.0"]
    raise typer.Exit(serve_simulated(chosen, book or [], seed, latency, host, port))


@app.command()
def keys(
    folder: Annotated[Path, typer.Argument(help="Where they are written; made if absent.")],
    names: Annotated[
        list[str], typer.Argument(help="conductor, and a role's name for each agent.")
    ],
) -> None:
    """Make CURVE key pairs for a bus over tcp."""
    from hekaton_runtime.cli.serving import make_keys

    raise typer.Exit(make_keys(folder, names))
