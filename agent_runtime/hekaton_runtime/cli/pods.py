"""The parts of a pod as commands: router, engines, workspace, and the database's schema."""

from pathlib import Path
from typing import Annotated

import typer

from hekaton_runtime.cli.options import FormationName, HealthPort

app = typer.Typer(rich_markup_mode=None)

PortBase = Annotated[
    int, typer.Option(min=1, max=65000, help="Port of the first engine; the others follow.")
]


@app.command()
def router(
    formation: FormationName,
    permits: Annotated[Path, typer.Option(help="File of the key that permits are signed with.")],
    listen: Annotated[str, typer.Option(help="HOST:PORT.")] = "127.0.0.1:8080",
    port_base: PortBase = 8100,
    health_port: HealthPort = None,
) -> None:
    """Serve as the one address of a formation's models: nothing passes without a permit."""
    from hekaton_runtime.cli.routing import Routing, serve_router

    raise typer.Exit(serve_router(Routing(formation, listen, permits, port_base, health_port)))


@app.command()
def engines(
    formation: FormationName,
    port_base: PortBase = 8100,
    health_port: HealthPort = None,
    model: Annotated[
        str, typer.Option(help="Serve this model alone; the others have containers of their own.")
    ] = "",
) -> None:
    """Start a formation's model servers (vLLM, SGLang) one after the other, and keep them running."""
    from hekaton_runtime.cli.launching import Launching, launch

    raise typer.Exit(launch(Launching(formation, port_base, health_port, model)))


@app.command()
def workspace(
    socket: Annotated[Path, typer.Option(help="Unix socket to listen on.")],
    root: Annotated[Path, typer.Option(help="Folder that commands may run below.")],
) -> None:
    """Run the commands that a conductor asks for, sandboxed, away from its keys."""
    from hekaton_runtime.cli.hosting import serve_workspace

    raise typer.Exit(serve_workspace(socket, root))


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date; waits HEKATON_DB_PATIENCE seconds for the server."""
    from hekaton_runtime.cli.migrating import migrate_database

    raise typer.Exit(migrate_database())
