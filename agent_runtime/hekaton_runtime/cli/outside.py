"""Commands for missions in a cluster, on the user's own kubeconfig: the same names as local ones."""

import logging
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from hekaton_runtime.cli.options import AsJson, Files

app = typer.Typer(rich_markup_mode=None)

Namespace = Annotated[
    str,
    typer.Option("--namespace", "-n", help="Namespace of the cluster.  [default: the context's]"),
]
Context = Annotated[
    str, typer.Option(help="Context of the kubeconfig.  [default: the current one]")
]
Name = Annotated[str, typer.Argument(help="Name of the Mission.")]


def commands() -> ModuleType:
    """Raises `BadInput` where the client is not installed."""
    try:
        from hekaton_runtime.kube import commands as found
    except ImportError as fault:
        from hekaton_runtime.errors import BadInput

        if not (fault.name or "").startswith("kubernetes"):
            raise
        said = "The Kubernetes client is not installed: pip install 'hekaton[kube]'."
        raise BadInput([said]) from fault
    # What it warns of, a kubeconfig that is not there, is an error of ours a moment later.
    logging.getLogger("kubernetes.aio.config").setLevel(logging.ERROR)
    return found


@app.command()
def submit(files: Files, namespace: Namespace = "", context: Context = "") -> None:
    """Send Formation and Mission files to a cluster, checked here first."""
    from hekaton_runtime.cli.documents import read

    kube, documents = commands(), read(list(files))
    raise typer.Exit(kube.submit(kube.Outside(namespace, context), documents))


@app.command()
def watch(
    mission: Name, namespace: Namespace = "", context: Context = "", as_json: AsJson = False
) -> None:
    """Follow a mission in a cluster to its end; exits as `run` does."""
    kube = commands()
    raise typer.Exit(kube.watch(kube.Outside(namespace, context), mission, as_json=as_json))


@app.command()
def logs(
    mission: Name,
    namespace: Namespace = "",
    context: Context = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on while it runs.")] = False,
) -> None:
    """Print what the conductor of a mission in a cluster says."""
    kube = commands()
    raise typer.Exit(kube.logs(kube.Outside(namespace, context), mission, follow=follow))


@app.command()
def artifact(
    mission: Name,
    namespace: Namespace = "",
    context: Context = "",
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder.  [default: ./MISSION]")
    ] = None,
) -> None:
    """Fetch the papers of a mission in a cluster: SITREP, patch and bundle."""
    kube = commands()
    target = folder or Path(mission)
    raise typer.Exit(kube.artifact(kube.Outside(namespace, context), mission, target))
