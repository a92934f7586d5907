"""All engines of a pod: started in the formation's order, kept running, ended together."""

import asyncio
from collections.abc import Mapping

from hekaton_api.vram.plan import Plan
from hekaton_runtime.engines.kinds import HERE, Kinds
from hekaton_runtime.engines.probing import Got, get
from hekaton_runtime.engines.state import EngineState
from hekaton_runtime.engines.supervisor import Supervisor, Times, Work
from hekaton_runtime.errors import BadInput

SECRETS = "HEKATON_"
"""Variables that begin so are ours and no engine's business."""


def works(plan: Plan, kinds: Kinds, port_base: int, environ: Mapping[str, str]) -> tuple[Work, ...]:
    """What is to be run, one for each model served here; raises `BadInput` where it cannot fit."""
    if not plan.fits:
        raise BadInput([f"formation {plan.formation!r} does not fit: {plan.sentence}"])
    clean = {name: text for name, text in environ.items() if not name.startswith(SECRETS)}
    found = []
    for i, placed in enumerate(plan.models):
        engine, kind = placed.engine, kinds.of(placed.engine)
        spec, port = engine.spec, port_base + i
        found.append(
            Work(
                EngineState(model=spec.name, engine=spec.engine, port=port),
                kind.command(engine, port),
                kind.paths,
                {"VLLM_NO_USAGE_STATS": "1", **clean},
            )
        )
    return tuple(found)


def chosen(all_works: tuple[Work, ...], model: str) -> tuple[tuple[Work, ...], Work | None]:
    """One model's work, and the one that comes before it, in another container; without a name all of
    them, and nothing before. Raises `BadInput`."""
    if not model:
        return all_works, None
    names = [work.state.model for work in all_works]
    if model not in names:
        known = ", ".join(names) or "none"
        raise BadInput([f"--model: {model!r} is not served by this formation; known: {known}."])
    at = names.index(model)
    return (all_works[at],), all_works[at - 1] if at else None


class Launcher:
    """Runs them. `first` runs in another container of the pod, and goes first."""

    def __init__(
        self, wanted: tuple[Work, ...], first: Work | None = None, times: Times | None = None
    ) -> None:
        turn = asyncio.Lock()
        self._first = first
        self._times = times or Times()
        self._all = tuple(Supervisor(one, turn, self._times) for one in wanted)

    @property
    def states(self) -> tuple[EngineState, ...]:
        """In the formation's order."""
        return tuple(one.state for one in self._all)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then every engine has ended."""
        before = asyncio.Event() if self._first else None
        looking = asyncio.create_task(self._look(before))
        tasks = []
        for one in self._all:
            tasks.append(asyncio.create_task(one.run(before)))
            before = one.up_once
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopped, looking, *tasks):
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _look(self, healthy: asyncio.Event | None) -> None:
        """At the engine that goes first, until it is healthy once."""
        while self._first and healthy and not healthy.is_set():
            if (await get(HERE, self._first.state.port, self._first.paths.health)).status == 200:
                healthy.set()
            await asyncio.sleep(self._times.look)

    async def why_not(self) -> tuple[str, ...]:
        """Every engine that is not ready, and why."""
        return tuple(state.why_not for state in self.states if state.why_not)

    async def metrics(self, model: str) -> Got:
        """An engine's own figures, which nobody outside the pod can reach."""
        for one in self._all:
            if one.state.model == model:
                return await get(HERE, one.state.port, one.paths.metrics)
        return Got(404)
