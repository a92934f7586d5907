"""The `hekaton` command. Each command's work is imported when it is called, so that `--help` is quick."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="hekaton",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Teams of language models that plan, debate, build, test and audit code under an exact budget.",
    epilog="Exit codes: 0 passed, 1 failed honestly, 2 bad input, 3 stopped (kill, budget, time).",
)

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


@app.command()
def run(
    files: Files,
    formation: FormationName = "",
    mode: Annotated[str, typer.Option(help="Replaces spec.mode: swarm or single.")] = "",
    base_url: BaseUrl = "",
    model: ModelName = "",
    simulate: Simulate = False,
    book: Annotated[Path | None, typer.Option(help="Answer book of the simulated models.")] = None,
    competence: Competence = 1.0,
    seed: Seed = 0,
    latency: Latency = 0.0,
    unsafe_no_sandbox: Unsafe = False,
    as_json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Run a mission from its file to its SITREP, in this process."""
    from hekaton_runtime.cli.running import Wanted, run_mission

    wanted = Wanted(
        files=tuple(files), formation=formation, mode=mode, base_url=base_url, model=model, simulate=simulate,
        book=book, competence=competence, seed=seed, latency=latency, unsafe=unsafe_no_sandbox,
        as_json=as_json, plain=plain,
    )  # fmt: skip
    raise typer.Exit(run_mission(wanted))


@app.command()
def resume(mission: MissionId, as_json: AsJson = False, plain: Plain = False) -> None:
    """Go on with a mission that was interrupted or crashed; nothing finished is repeated."""
    from hekaton_runtime.cli.running import resume_mission

    raise typer.Exit(resume_mission(mission, as_json=as_json, plain=plain))


@app.command()
def kill(
    mission: MissionId,
    reason: Annotated[str, typer.Option(help="Said in the SITREP.")] = "killed by hand",
) -> None:
    """Stop a running mission now: calls in flight are cancelled, nothing more is spent."""
    from hekaton_runtime.cli.looking import kill_mission

    raise typer.Exit(kill_mission(mission, reason))


@app.command()
def missions(
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20, as_json: AsJson = False
) -> None:
    """List missions, the newest first."""
    from hekaton_runtime.cli.looking import list_missions

    raise typer.Exit(list_missions(limit, as_json=as_json))


@app.command()
def show(mission: MissionId, as_json: AsJson = False) -> None:
    """Show one mission: status, budget by account, calls, where its papers are."""
    from hekaton_runtime.cli.looking import show_mission

    raise typer.Exit(show_mission(mission, as_json=as_json))


@app.command()
def replay(mission: MissionId, as_json: AsJson = False) -> None:
    """Re-run a mission's journal without any model, and print the course of its debate and work."""
    from hekaton_runtime.cli.replaying import replay_mission

    raise typer.Exit(replay_mission(mission, as_json=as_json))


@app.command()
def validate(files: Files, as_json: AsJson = False) -> None:
    """Check Formation and Mission files; every fault with file, line, field, value and remedy."""
    from hekaton_runtime.cli.checking import validate_files

    raise typer.Exit(validate_files(files, as_json=as_json))


@app.command()
def doctor(base_url: BaseUrl = "", as_json: AsJson = False) -> None:
    """Say what works on this machine (sandbox, database, bus, endpoint) and what to do about the rest."""
    from hekaton_runtime.cli.checking import examine

    raise typer.Exit(examine(base_url, as_json=as_json))


Bus = Annotated[
    str, typer.Option("--bus", help="The broker's address: ipc://PATH or tcp://HOST:PORT.")
]
Keys = Annotated[Path | None, typer.Option("--keys", help="Folder of CURVE keys, needed for tcp.")]


@app.command()
def conductor(
    files: Files,
    bus: Bus,
    formation: FormationName = "",
    base_url: BaseUrl = "",
    model: ModelName = "",
    keys: Keys = None,
    unsafe_no_sandbox: Unsafe = False,
    as_json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Run a mission with the agents behind a broker: `run` without agents of its own."""
    from hekaton_runtime.cli.running import Wanted, run_mission

    wanted = Wanted(
        files=tuple(files), formation=formation, base_url=base_url, model=model, unsafe=unsafe_no_sandbox,
        as_json=as_json, plain=plain, bus=bus, keys=keys,
    )  # fmt: skip
    raise typer.Exit(run_mission(wanted))


@app.command()
def broker(
    bus: Bus,
    control: Annotated[str, typer.Option(help="Address of the kill switch's channel.")],
    keys: Keys = None,
) -> None:
    """Serve as the broker between conductors and agents."""
    from hekaton_runtime.cli.serving import serve_broker

    raise typer.Exit(serve_broker(bus, control, keys))


@app.command()
def agent(
    bus: Bus,
    formation: FormationName,
    role: Annotated[str, typer.Option(help="Name of an entry of the formation's roles.")],
    instance: Annotated[str, typer.Option(help="Name of this instance.")] = "",
    base_url: BaseUrl = "",
    model: ModelName = "",
    keys: Keys = None,
    capacity: Annotated[int, typer.Option(min=1, help="Questions at once.")] = 4,
) -> None:
    """Serve as one agent of a formation."""
    from hekaton_runtime.cli.serving import Seating, serve_seat

    raise typer.Exit(
        serve_seat(Seating(bus, formation, role, instance, base_url, model, keys, capacity))
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


@app.command()
def version() -> None:
    """Print the version."""
    from hekaton_api.version import __version__

    print(__version__)


def main() -> None:
    """Turn errors on purpose into one message and the exit code that scripts rely on."""
    from hekaton_api.errors import Invalid
    from hekaton_runtime.errors import BadInput, HekatonError

    try:
        app()
    except Invalid as fault:
        _say(tuple(map(str, fault.findings)))
        sys.exit(2)
    except BadInput as fault:
        _say(fault.reasons)
        sys.exit(2)
    except HekatonError as fault:
        _say((str(fault),))
        sys.exit(3)
    except OSError as fault:  # a full disk, a folder without rights: what was finished is journaled
        _say(
            (
                f"{fault}. Make room or rights there; `hekaton resume` goes on where a mission stopped.",
            )
        )
        sys.exit(3)


def _say(reasons: tuple[str, ...]) -> None:
    for reason in reasons:
        print(f"error: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
