"""From tasks, shipped missions and wishes to missions that can be worked. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hekaton_api.formation import Formation
from hekaton_api.load import check
from hekaton_api.meta import ObjectMeta
from hekaton_api.mission import Acceptance, Budget, Mission, MissionSpec
from hekaton_api.sources import File, Workspace
from hekaton_runtime.bench.dataset import Problem
from hekaton_runtime.bench.judge import COMMAND, FILE, SOLUTION, judge
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.book import Entry

TOKENS = 200_000
USD = Decimal("2.00")
SECONDS = "60s"
"""For one run of a hidden test; published solutions take far below a second."""
GOAL = """\
Complete the Python function `{name}` in `{file}`. The file holds the text below and nothing else: keep
what is there, and write the function so that it does what its description says. Hidden tests call it.

{prompt}"""


@dataclass(frozen=True, slots=True)
class Caps:
    """What one task may use, and how often its work may be mended; None: as the mission says."""

    tokens: int | None = None
    usd: Decimal | None = None
    max_loops: int | None = None


def from_problem(problem: Problem, name: str) -> Mission:
    """One task as a mission whose hidden test decides."""
    goal = GOAL.format(name=problem.entry_point, file=SOLUTION, prompt=problem.prompt)
    return Mission(
        api_version="hekaton.dev/v1alpha1",
        kind="Mission",
        metadata=ObjectMeta(name=name),
        spec=MissionSpec(
            goal=goal,
            formation="none-yet",
            workspace=Workspace(files=(File(path=SOLUTION, content=problem.prompt),)),
            acceptance=Acceptance(
                commands=(COMMAND,),
                timeout=SECONDS,
                files=(File(path=FILE, content=judge(problem)),),
            ),
            budget=Budget(tokens=TOKENS, usd=USD),
        ),
    )


def wanted(mission: Mission, formation: Formation, mode: str, caps: Caps) -> Mission:
    """The mission for this formation and mode, within these caps."""
    spec = mission.spec
    changes: dict[str, object] = {
        "formation": formation.metadata.name,
        "mode": mode,
        "budget": _capped(spec.budget, caps),
    }
    if caps.max_loops is not None:
        review = spec.review or formation.spec.review
        changes["review"] = review.model_copy(update={"max_loops": caps.max_loops})
    whole = mission.model_copy(update={"spec": spec.model_copy(update=changes)})
    if found := check(whole, (formation,)):
        raise BadInput([f"{mission.metadata.name}: {fault}" for fault in found])
    return whole


def _capped(budget: Budget, caps: Caps) -> Budget:
    usd = budget.usd if caps.usd is None else caps.usd
    tokens = budget.tokens if caps.tokens is None else caps.tokens
    try:
        return Budget(tokens=tokens, usd=usd, wall_clock=budget.wall_clock)
    except ValueError as fault:
        remedy = "Give at least 1 token, and dollars above 0 with at most six decimals."
        raise BadInput([f"--budget-tokens {tokens}, --budget-usd {usd}: {remedy}"]) from fault


def entry(problem: Problem) -> Entry:
    """What a simulated model knows of one task: the published solution, behind the task's own text."""
    content = problem.prompt + problem.canonical_solution
    patch = {"summary": "SIMULATED", "files": [{"path": SOLUTION, "content": content}]}
    return Entry(problem.task_id, problem.prompt.strip(), {"patch": patch})


def why_no_book(problems: Sequence[Problem]) -> list[str]:
    """Tasks that simulated models could never solve."""
    return [
        f"task {one.task_id!r} has no canonical_solution, which simulated models need."
        " Add it, or run with --base-url."
        for one in problems
        if not one.canonical_solution.strip()
    ]
