"""`hekaton compare` as a command: its options, and nothing else."""

from pathlib import Path
from typing import Annotated

import typer

from hekaton_runtime.cli import options as opt

app = typer.Typer(rich_markup_mode=None)

Tasks = Annotated[
    Path | None, typer.Option(help="Tasks in the form of HumanEval, .jsonl or .jsonl.gz.")
]
Modes = Annotated[str, typer.Option(help="[default: single,vote,debate,flat,swarm,hierarchical]")]
Formations = Annotated[
    str, typer.Option(help="Files, or names of shipped ones, with commas between.")
]
Cap = Annotated[int | None, typer.Option(min=1, help="One cap: tokens of each mission.")]
Caps = Annotated[str, typer.Option(help="Several.  [default: 10000,20000,40000,80000]")]
AtMost = Annotated[int, typer.Option("--tasks-at-most", min=0, help="The first N tasks; 0: all.")]
Seeds = Annotated[int, typer.Option(min=1, max=100, help="Runs of each task in each arm.")]
Baseline = Annotated[
    str, typer.Option(help="The arm that others are compared with.  [default: the first]")
]
Resume = Annotated[
    Path | None, typer.Option(help="Go on with the comparison in this folder; nothing is repeated.")
]
Out = Annotated[Path | None, typer.Option(help="Folder.  [default: hekaton-compare/RUN]")]


@app.command()
def compare(
    tasks: Tasks = None,
    modes: Modes = "",
    formations: Formations = "simulated",
    cap: Cap = None,
    caps: Caps = "",
    baseline: Baseline = "",
    tasks_at_most: AtMost = 0,
    seed: opt.Seed = 0,
    seeds: Seeds = 1,
    base_url: opt.BaseUrl = "",
    model: opt.ModelName = "",
    simulate: opt.Simulate = False,
    competence: opt.Competence = 1.0,
    latency: opt.Latency = 0.0,
    max_loops: opt.MaxLoops = None,
    parallel: opt.Parallel = 4,
    resume: Resume = None,
    out: Out = None,
    unsafe_no_sandbox: opt.Unsafe = False,
    as_json: opt.AsJson = False,
    plain: opt.Plain = False,
) -> None:
    """Compare modes and formations on the same tasks under the same caps: tables, CSV, plot, and a verdict."""
    from hekaton_runtime.cli import comparing as work
    from hekaton_runtime.compare.plan import Arguments

    show = work.Show(parallel, out, as_json, plain)
    if resume is not None:
        raise typer.Exit(work.resumed(resume, show, alone=tasks is None and out is None))
    arguments = Arguments(
        tasks=work.path_of(tasks), modes=work.listed(modes or work.MODES), formations=work.listed(formations),
        caps=work.caps_of(cap, caps), baseline=baseline, at_most=tasks_at_most, seed=seed, seeds=seeds,
        simulate=simulate, competence=competence, latency=latency, base_url="" if simulate else base_url, model=model,
        max_loops=max_loops, unsafe=unsafe_no_sandbox,
    )  # fmt: skip
    raise typer.Exit(work.run_compare(arguments, show))
