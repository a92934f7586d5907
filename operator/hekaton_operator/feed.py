"""The one door to kopf: events of every watched kind go into the store, and nothing else happens here.

kopf writes nothing in this shape: no finalizer, no annotation, no Event. Its own index is not used: it
is quadratic at start.
"""

import asyncio
import logging
import random
import signal
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kopf
from kopf._cogs.configs.configuration import WatchingSettings
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from hekaton_operator.objects import PAGE, SORTS, Key, Sort, key_of, version_of
from hekaton_operator.store import Store

log = logging.getLogger(__name__)
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
WATCHER = "watcher for "
"""How the tasks are called that watch a kind each."""
LOOK = 0.1
"""Seconds between two looks whether they have begun, which they do together."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the API server is found."""

    in_cluster: bool
    host: str = ""
    port: str = ""
    namespace: str = ""
    """Watched; empty: all."""


class Forever:
    """Seconds between tries of a watch: growing, with jitter, never ending. An end would end kopf."""

    def __iter__(self) -> Iterator[float]:
        wait = 0.2
        while True:
            yield wait * random.uniform(0.75, 1.25)
            wait = min(5.0, wait * 1.6)


class Listings(WatchingSettings):
    """Tells of every LIST after the first of each kind. kopf asks for the size of a page just before
    each, and says so in no other way when what it finds is empty."""

    def __init__(self, relisted: Callable[[], None]) -> None:
        super().__init__()
        self._relisted, self._begun = relisted, 0

    @property
    def chunk_size(self) -> int | None:
        self._begun += 1
        if self._begun > len(SORTS):
            self._relisted()
        return PAGE

    @chunk_size.setter
    def chunk_size(self, _: int | None) -> None:
        pass


class Forgetful(ResourceMemories):
    """What kopf remembers of each object for handlers of other kinds than ours: nothing."""

    async def recall(self, raw_body: Any, **how: Any) -> ResourceMemory:
        how["ephemeral"] = True
        return await super().recall(raw_body, **how)


class Nowhere(kopf.DiffBaseStorage):
    """What kopf compares an object with for handlers of other kinds than ours: nothing. Its own
    storages copy every object of every event, a fifth of the operator's time."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def store(self, **_: Any) -> None:
        pass


class Everything(Collection[Any]):
    """Tasks that kopf leaves alone when it ends: all of ours."""

    def __contains__(self, task: object) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0


def registry(store: Store, place: Place) -> kopf.OperatorRegistry:
    """Handlers of our own, in no global place."""
    found = kopf.OperatorRegistry()

    async def login(settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo | None:
        if not place.in_cluster:
            return kopf.login_with_kubeconfig(settings=settings)
        return kopf.ConnectionInfo(
            server=f"https://{place.host}:{place.port}",
            ca_path=str(ACCOUNT / "ca.crt"),
            token=(ACCOUNT / "token").read_text().strip(),
        )

    kopf.on.login(registry=found)(login)
    for sort in SORTS:
        watch = kopf.on.event(sort.group, sort.version, sort.plural, registry=found)
        watch(_handler(sort, store))
    return found


def _handler(sort: Sort, store: Store) -> Any:
    async def heard(event: Any, **_: Any) -> None:
        body = event["object"]
        key: Key = key_of(sort.kind, body)
        if event["type"] == "DELETED":
            store.drop(key, body["metadata"].get("uid", ""), version_of(body))
        else:
            store.put(key, body)

    heard.__name__ = f"heard_{sort.plural}"
    return heard


def settings(relisted: Callable[[], None]) -> kopf.OperatorSettings:
    found = kopf.OperatorSettings(watching=Listings(relisted))
    found.scanning.disabled = True
    found.posting.enabled = False
    found.watching.server_timeout = 300
    found.watching.connect_timeout = 10
    found.networking.request_timeout = 30
    found.persistence.diffbase_storage = Nowhere()
    found.networking.error_backoffs = Forever()
    found.queueing.idle_timeout = 0.02  # longer keeps a task for each object
    for sort in SORTS:
        if sort.selector:
            found.watching.label_selectors[sort.group, sort.version, sort.plural] = sort.selector
    return found


async def feed(
    store: Store, place: Place, stop: asyncio.Event, relisted: Callable[[], None]
) -> None:
    """Until `stop`; `relisted` whenever deletions may have been missed.

    A watch dies of an HTTP 410, of half a line, or of an error event other than that it is too old.
    kopf logs it and goes on without: that kind would not be heard of any more.
    """
    for pause in Forever():
        watching = asyncio.create_task(_watch(store, place, stop, relisted))
        try:
            fault = (
                await _deaf(watching) or watching.exception()
            )  # it may end kopf before it is seen here
            if fault is None:
                return
        finally:
            left = [watching, *_watchers()]
            for each in left:
                each.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        log.warning("all watches begin anew: %s: %s", type(fault).__name__, fault)
        await asyncio.sleep(pause)
        relisted()


async def _deaf(watching: asyncio.Task[None]) -> BaseException | None:
    """Why a watch died; None when all of them have ended together."""
    known: set[asyncio.Task[Any]] = set()
    while not known and not watching.done():
        await asyncio.wait({watching}, timeout=LOOK)
        known = _watchers()
    if len(known) < len(SORTS) and not watching.done():
        return RuntimeError(f"Only {len(known)} of {len(SORTS)} kinds are watched.")
    for each in known:
        each.add_done_callback(_heeded)
    while not watching.done():
        await asyncio.wait({watching, *known}, return_when=asyncio.FIRST_COMPLETED)
        for each in [one for one in known if one.done()]:
            known.discard(each)
            if not each.cancelled():
                return each.exception() or RuntimeError(f"The {each.get_name()} has ended.")
    return None


def _watchers() -> set[asyncio.Task[Any]]:
    return {each for each in asyncio.all_tasks() if each.get_name().startswith(WATCHER)}


def _heeded(watcher: asyncio.Task[Any]) -> None:
    """Or else asyncio complains of each that died beside the first."""
    watcher.cancelled() or watcher.exception()


async def _watch(
    store: Store, place: Place, stop: asyncio.Event, relisted: Callable[[], None]
) -> None:
    """Until `stop`, or until kopf itself gives up, which raises."""
    loop = asyncio.get_running_loop()
    everywhere: dict[str, Any] = (
        {"namespaces": [place.namespace]} if place.namespace else {"clusterwide": True}
    )
    tasks = await kopf.spawn_tasks(
        registry=registry(store, place),
        settings=settings(relisted),
        memories=Forgetful(),
        standalone=True,
        stop_flag=stop,
        **everywhere,
    )
    for each in (signal.SIGTERM, signal.SIGINT):  # kopf has just put its own there
        loop.add_signal_handler(each, stop.set)
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # a line for each event otherwise
    await kopf.run_tasks(tasks, ignored=Everything())
