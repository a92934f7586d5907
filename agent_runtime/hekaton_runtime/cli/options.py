"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Files = Annotated[list[Path], typer.Argument(help="YAML files, as for kubectl apply.")]
MissionId = Annotated[str, typer.Argument(help="Mission id, or a unique beginning of it.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Machine-readable output, one JSON object a line.")
]
Plain = Annotated[bool, typer.Option("--plain", help="Plain lines, also on a terminal.")]
BaseUrl = Annotated[
    str, typer.Option(envvar="OPENAI_BASE_URL", help="OpenAI-compatible endpoint for all models.")
]
ModelName = Annotated[str, typer.Option("--model", help="Model name to send to that endpoint.")]
FormationName = Annotated[
    str, typer.Option("--formation", help="Formation file, or the name of a shipped one.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Change a field of the formation: PATH=VALUE, e.g. models.local.endpoint=URL; repeatable.",
    ),
]
Simulate = Annotated[
    bool, typer.Option("--simulate", help="Simulated models; everything is marked SIMULATED.")
]
Competence = Annotated[
    float, typer.Option(min=0, max=1, help="Of simulated models: probability of right work.")
]
Seed = Annotated[int, typer.Option(help="Of simulated models.")]
Latency = Annotated[
    float, typer.Option(min=0, help="Of simulated models, seconds before each answer.")
]
Unsafe = Annotated[
    bool, typer.Option("--unsafe-no-sandbox", help="Run commands unconfined. The SITREP says so.")
]
Bus = Annotated[
    str, typer.Option("--bus", help="The broker's address: ipc://PATH or tcp://HOST:PORT.")
]
Keys = Annotated[Path | None, typer.Option("--keys", help="Folder of CURVE keys, needed for tcp.")]
HealthPort = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help="Answer /healthz, /readyz and /metrics here; 0: any free port."
    ),
]
Permits = Annotated[
    Path | None, typer.Option(help="File of the key that model calls are permitted with, base64.")
]
WholeId = Annotated[
    str,
    typer.Option("--id", help="Work the mission under this id: begin it, or go on anywhere."),
]
Socket = Annotated[Path | None, typer.Option(help="With --id: socket of `hekaton workspace`.")]
SourceFolder = Annotated[
    Path | None, typer.Option(help="With --id: where spec.workspace.pvc is mounted.")
]
ArtifactFolder = Annotated[
    Path | None, typer.Option(help="With --id: where spec.artifact.pvc is mounted.")
]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    typer.Option(
        envvar="HEKATON_LOG_LEVEL", case_sensitive=False, help="What is logged to standard error."
    ),
]

Level = Annotated[
    int,
    typer.Option(
        min=0,
        max=3,
        show_default=False,
        help="Our own missions: 1 one of them, 2 all in two modes, 3 with three seeds.",
    ),
]
Dataset = Annotated[
    Path | None, typer.Option(help="Tasks in the form of HumanEval, .jsonl or .jsonl.gz.")
]
Modes = Annotated[str, typer.Option(help="Side by side.  [default: single,swarm]")]
Parallel = Annotated[int, typer.Option(min=1, max=64, help="Missions at once.")]
Limit = Annotated[int, typer.Option(min=0, help="The first N tasks only; 0: all.")]
MaxLoops = Annotated[
    int | None, typer.Option(min=0, max=10, help="Repairs at most.  [default: the formation's]")
]
TaskTokens = Annotated[
    int | None, typer.Option("--budget-tokens", min=1, help="For each mission.  [default: its own]")
]
TaskUsd = Annotated[
    str, typer.Option("--budget-usd", help="For each mission, US dollars.  [default: its own]")
]
Out = Annotated[Path | None, typer.Option(help="Folder.  [default: hekaton-bench/RUN]")]
RunName = Annotated[
    str, typer.Option("--run", help="Name of the run.  [default: from all that matters to results]")
]
