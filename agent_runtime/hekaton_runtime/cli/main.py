"""The `hekaton` command. Each command's work is imported when it is called, so that `--help` is quick."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from hekaton_runtime.cli import measuring, pods, processes, services
from hekaton_runtime.cli import options as opt
from hekaton_runtime.cli import outside as out

OURS = 70  # EX_SOFTWARE of sysexits.h; a mission's pod is tried again after it
app = typer.Typer(
    name="hekaton",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Teams of language models that plan, debate, build, test and audit code under an exact budget.",
    epilog="Exit codes: 0 passed, 1 failed honestly, 2 bad input, 3 stopped (kill, budget, time), 70 a fault of Hekaton.",
)


app.add_typer(processes.app)
app.add_typer(pods.app)
app.add_typer(out.app)
app.add_typer(services.app)
app.add_typer(measuring.app)


@app.callback()
def options(
    log_level: opt.LogLevel = "warning",
) -> None:
    logging.basicConfig(
        level=log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


@app.command()
def run(
    files: opt.Files,
    formation: opt.FormationName = "",
    changes: opt.Changes = None,
    mode: Annotated[
        str,
        typer.Option(
            help="Replaces spec.mode: swarm, single, vote, debate, flat, hierarchical, auto."
        ),
    ] = "",
    base_url: opt.BaseUrl = "",
    model: opt.ModelName = "",
    simulate: opt.Simulate = False,
    book: Annotated[Path | None, typer.Option(help="Answer book of the simulated models.")] = None,
    competence: opt.Competence = 1.0,
    seed: opt.Seed = 0,
    latency: opt.Latency = 0.0,
    unsafe_no_sandbox: opt.Unsafe = False,
    as_json: opt.AsJson = False,
    plain: opt.Plain = False,
) -> None:
    """Run a mission from its file to its SITREP, in this process."""
    from hekaton_runtime.cli.running import Wanted, run_mission

    wanted = Wanted(
        files=tuple(files), formation=formation, changes=tuple(changes or ()), mode=mode,
        base_url=base_url, model=model, simulate=simulate,
        book=book, competence=competence, seed=seed, latency=latency, unsafe=unsafe_no_sandbox,
        as_json=as_json, plain=plain,
    )  # fmt: skip
    raise typer.Exit(run_mission(wanted))


@app.command()
def resume(
    mission: opt.MissionId,
    bus: opt.Bus = "",
    keys: opt.Keys = None,
    as_json: opt.AsJson = False,
    plain: opt.Plain = False,
) -> None:
    """Go on with a mission that was interrupted or crashed; nothing finished is repeated."""
    from hekaton_runtime.cli.running import Place, Show, resume_mission

    raise typer.Exit(resume_mission(mission, Place(bus, keys), Show(as_json, plain)))


@app.command()
def kill(
    mission: opt.MissionId,
    reason: Annotated[str, typer.Option(help="Said in the SITREP.")] = "killed by hand",
    namespace: out.Namespace = "",
    context: out.Context = "",
) -> None:
    """Stop a running mission now: calls in flight are cancelled, nothing more is spent."""
    if namespace or context:
        kube = out.commands()
        raise typer.Exit(kube.kill(kube.Outside(namespace, context), mission))
    from hekaton_runtime.cli.looking import kill_mission

    raise typer.Exit(kill_mission(mission, reason))


@app.command()
def missions(
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    namespace: out.Namespace = "",
    context: out.Context = "",
    as_json: opt.AsJson = False,
) -> None:
    """List missions, the newest first; with -n those of a cluster."""
    if namespace or context:
        kube = out.commands()
        raise typer.Exit(kube.missions(kube.Outside(namespace, context), limit, as_json=as_json))
    from hekaton_runtime.cli.looking import list_missions

    raise typer.Exit(list_missions(limit, as_json=as_json))


@app.command()
def prune(
    older_than: Annotated[str, typer.Option(help="Age since their end, as 30d or 12h.")] = "30d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Delete the journals of missions that ended long ago; their costs and SITREPs stay."""
    from hekaton_runtime.cli.pruning import prune_missions

    raise typer.Exit(prune_missions(older_than, dry_run=dry_run, as_json=as_json))


@app.command()
def show(
    mission: opt.MissionId,
    namespace: out.Namespace = "",
    context: out.Context = "",
    as_json: opt.AsJson = False,
) -> None:
    """Show one mission: status, budget by account, calls, where its papers are."""
    if namespace or context:
        kube = out.commands()
        raise typer.Exit(kube.show(kube.Outside(namespace, context), mission, as_json=as_json))
    from hekaton_runtime.cli.looking import show_mission

    raise typer.Exit(show_mission(mission, as_json=as_json))


@app.command()
def replay(mission: opt.MissionId, as_json: opt.AsJson = False) -> None:
    """Re-run a mission's journal without any model, and print the course of its debate and work."""
    from hekaton_runtime.cli.replaying import replay_mission

    raise typer.Exit(replay_mission(mission, as_json=as_json))


@app.command()
def validate(files: opt.Files, as_json: opt.AsJson = False) -> None:
    """Check Formation and Mission files; every fault with file, line, field, value and remedy."""
    from hekaton_runtime.cli.checking import validate_files

    raise typer.Exit(validate_files(files, as_json=as_json))


@app.command()
def plan(
    formation: Annotated[
        str, typer.Argument(help="Formation file, or the name of a shipped one.")
    ] = "",
    changes: opt.Changes = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every shipped formation, beside the published table.")
    ] = False,
    config: Annotated[
        list[str] | None,
        typer.Option(help="NAME=PATH of a model's Hugging Face config.json; repeatable."),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(help="Write the picture to this file as well.")
    ] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Plan GPU memory: bytes per model, context reached, engine flags, and what would make it fit."""
    from hekaton_runtime.cli.planning import plan_all, plan_formation
    from hekaton_runtime.errors import BadInput

    if bool(formation) == everything or (everything and (svg or config or changes)):
        raise BadInput(["plan: give a formation (with --set, --config, --svg), or --all alone."])
    if everything:
        raise typer.Exit(plan_all(as_json=as_json))
    raise typer.Exit(plan_formation(formation, changes or [], config or [], svg, as_json=as_json))


@app.command()
def doctor(base_url: opt.BaseUrl = "", as_json: opt.AsJson = False) -> None:
    """Say what works on this machine (sandbox, database, bus, endpoint) and what to do about the rest."""
    from hekaton_runtime.cli.checking import examine

    raise typer.Exit(examine(base_url, as_json=as_json))


@app.command()
def bench(
    level: opt.Level = 0,
    dataset: opt.Dataset = None,
    modes: opt.Modes = "",
    formation: opt.FormationName = "simulated",
    base_url: opt.BaseUrl = "",
    model: opt.ModelName = "",
    simulate: opt.Simulate = False,
    competence: opt.Competence = 1.0,
    seed: opt.Seed = 0,
    latency: opt.Latency = 0.0,
    parallel: opt.Parallel = 4,
    limit: opt.Limit = 0,
    max_loops: opt.MaxLoops = None,
    budget_tokens: opt.TaskTokens = None,
    budget_usd: opt.TaskUsd = "",
    out: opt.Out = None,
    run_name: opt.RunName = "",
    unsafe_no_sandbox: opt.Unsafe = False,
    as_json: opt.AsJson = False,
    plain: opt.Plain = False,
) -> None:
    """Measure: run many tasks as missions. 0 all ended, 1 a budget broke, 3 run it again to go on."""
    from hekaton_runtime.cli.benching import Wanted, run_bench

    wanted = Wanted(
        level=level, dataset=dataset, modes=modes, formation=formation, base_url=base_url, model=model,
        simulate=simulate, competence=competence, seed=seed, latency=latency, parallel=parallel, limit=limit,
        max_loops=max_loops, tokens=budget_tokens, usd=budget_usd, out=out, run=run_name,
        unsafe=unsafe_no_sandbox, as_json=as_json, plain=plain,
    )  # fmt: skip
    raise typer.Exit(run_bench(wanted))


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
    except Exception:  # nobody foresaw it, so it says nothing of a mission
        _confess()
        sys.exit(OURS)


def _confess() -> None:
    import traceback

    from hekaton_api.version import __version__

    traceback.print_exc()
    _say(
        (
            f"This is a fault of Hekaton {__version__}: report it with the lines above."
            " Nothing finished is lost: `hekaton resume` goes on where a mission stopped.",
        )
    )


def _say(reasons: tuple[str, ...]) -> None:
    from hekaton_runtime.cli.terminal import clean

    for reason in reasons:
        print(f"error: {clean(reason)}", file=sys.stderr)


if __name__ == "__main__":
    main()
