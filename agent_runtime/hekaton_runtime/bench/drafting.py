"""From tasks and shipped missions to the drafts of a run, mode by mode. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hekaton_api.formation import Formation
from hekaton_api.mission import Mission
from hekaton_runtime.bench.cases import Draft
from hekaton_runtime.bench.dataset import Problem
from hekaton_runtime.bench.missions import Caps, entry, from_problem, wanted, why_no_book
from hekaton_runtime.bench.names import slugs
from hekaton_runtime.conductor.records import Options, Simulation
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.book import Book, Entry
from hekaton_runtime.models.simulated.book_yaml import dump, load
from hekaton_runtime.strategies.modes import MODES


@dataclass(frozen=True, slots=True)
class Setting:
    """What all missions of a run have in common."""

    formation: Formation
    modes: tuple[str, ...]
    seeds: tuple[int, ...]
    caps: Caps
    options: Options
    """Without a book, and with the first seed; each draft has its own."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A mission from a file, and its answer book; empty where it has none."""

    mission: Mission
    book: str


def modes_of(text: str) -> tuple[str, ...]:
    """`single,swarm` -> both; raises `BadInput` naming those that can be had."""
    modes = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown or not modes:
        said = f"--modes: {', '.join(unknown) or 'nothing given'!r}. Known: {', '.join(MODES)}."
        raise BadInput([said])
    return modes


def from_dataset(problems: Sequence[Problem], setting: Setting) -> tuple[Draft, ...]:
    """Raises `BadInput` where simulated models could not know a task's solution."""
    simulated = setting.options.simulation is not None
    if simulated and (reasons := why_no_book(problems)):
        raise BadInput(reasons)
    names = slugs([problem.task_id for problem in problems])
    given = [
        (
            problem.task_id,
            names[problem.task_id],
            Shipped(
                from_problem(problem, names[problem.task_id]),
                dump(Book((entry(problem),))) if simulated else "",
            ),
        )
        for problem in problems
    ]
    return _drafts(given, setting)


def from_missions(missions: Sequence[Shipped], setting: Setting) -> tuple[Draft, ...]:
    names = [one.mission.metadata.name for one in missions]
    return _drafts(list(zip(names, names, missions, strict=True)), setting)


def _drafts(given: Sequence[tuple[str, str, Shipped]], setting: Setting) -> tuple[Draft, ...]:
    """Mode after mode, so that each mode's wall time is its own."""
    return tuple(
        Draft(
            task,
            slug,
            seed,
            wanted(one.mission, setting.formation, mode, setting.caps),
            options(setting.options, seed, one.book),
        )
        for seed in setting.seeds
        for mode in setting.modes
        for task, slug, one in given
    )


def options(base: Options, seed: int, book: str) -> Options:
    """The same for every mission but for the seed and the book of its simulated models."""
    if base.simulation is None:
        return base
    return replace(base, simulation=replace(base.simulation, seed=seed, book=book))


def limited(drafts: tuple[Draft, ...], tasks: int) -> tuple[Draft, ...]:
    """Those of the first tasks; 0 means all."""
    first = list(dict.fromkeys(draft.task for draft in drafts))[: tasks or None]
    return tuple(draft for draft in drafts if draft.task in first)


def whole(drafts: Sequence[Draft], seed: int) -> Simulation | None:
    """The simulated models of all drafts of a seed together: one server knows all their books."""
    simulations = [draft.options.simulation for draft in drafts if draft.seed == seed]
    first = simulations[0]
    if first is None:
        return None
    texts = dict.fromkeys(one.book for one in simulations if one is not None and one.book)
    entries: dict[str, Entry] = {}
    for text in texts:
        entries |= {one.key: one for one in load(text).entries}
    return replace(first, book=dump(Book(tuple(entries.values()))) if entries else "")
