"""The loops that carry reconciles out: a fixed number of workers, and the resync.

The one place of this process where any error is caught: a bug in one reconcile must not stop the
others. It is logged with its trace, counted, and tried again ever more slowly.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from hekaton_operator.cluster import Cluster
from hekaton_operator.errors import Away, Gone, Refused, Stale
from hekaton_operator.metrics import Metrics
from hekaton_operator.objects import CLAIMS, SORTS, Key, Sort
from hekaton_operator.reconciler import Reconciler
from hekaton_operator.store import Store
from hekaton_operator.workqueue import WorkQueue

log = logging.getLogger(__name__)
WORKERS = 20
RESYNC = 600.0
"""Seconds between two LISTs of everything: a watch that went silent is found by it."""
FIRST = 60.0
"""Seconds until the first one: what was deleted after the store was filled and before its watch
began was told to nobody."""
RELISTED = 5.0
"""Seconds after the last object of a re-listing: its watch may have missed deletions."""
AWAY = 1.0
"""Seconds before the first retry when a server does not answer."""


async def worker(queue: WorkQueue, reconciler: Reconciler, metrics: Metrics) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        key, waited = await queue.take()
        started, result = clock(), "done"
        try:
            again = await reconciler.reconcile(key)
        except (Away, Stale) as fault:
            result = "retried"
            first, hold = (AWAY, fault.after) if isinstance(fault, Away) else (0.0, 0.0)
            wait = queue.failed(key, first, hold)
            log.info("%s: again in %.1f s: %s", key, wait, fault)
        except Exception:
            result = "failed"
            queue.failed(key, AWAY)
            log.exception("%s: reconcile failed", key)
        else:
            queue.done(key)
            _next(queue, key, again)
        metrics.reconciled(key.kind, result, waited, clock() - started)


def _next(queue: WorkQueue, key: Key, again: float | None) -> None:
    if again is not None:
        queue.later(key, again)


async def refresh(cluster: Cluster, store: Store, namespace: str) -> None:
    """LIST everything into the store; what is not listed any more is gone. Raises `Away`."""
    for sort in SORTS:
        await _refresh(cluster, store, namespace, sort)
    with suppress(Gone, Refused):  # not served, or a role of an older chart
        await _refresh(cluster, store, namespace, CLAIMS)


async def _refresh(cluster: Cluster, store: Store, namespace: str, sort: Sort) -> None:
    known = {key: store.seen(key) for key in store.keys((sort.kind,))}
    there, version = set(), 0
    async for page in cluster.pages(sort, namespace):
        for key, body in page.objects:
            store.put(key, body)
            there.add(key)
        version = page.version
    for key in known.keys() - there:
        before = known[key]
        if before is not None and store.seen(key) == before:
            store.drop(key, before[0], version)


class Resync:
    """LISTs everything now and then, and soon after a watch had to list anew."""

    def __init__(
        self, cluster: Cluster, store: Store, namespace: str, everything: Callable[[], None]
    ) -> None:
        self._cluster, self._store, self._namespace = cluster, store, namespace
        self._everything = everything
        self._soon = asyncio.Event()

    def relisted(self) -> None:
        """A watch lists anew: what was deleted meanwhile it will never tell."""
        self._soon.set()

    async def run(self) -> None:
        pause = FIRST
        while True:
            try:
                async with asyncio.timeout(pause):  # wait_for may swallow a cancellation
                    await self._soon.wait()
            except TimeoutError:
                log.debug("resync")
            else:
                await asyncio.sleep(RELISTED)
                self._soon.clear()
            try:
                await refresh(self._cluster, self._store, self._namespace)
                self._everything()
                pause = RESYNC
            except (Away, Gone, Refused) as fault:
                log.warning("resync: %s", fault)
                pause = FIRST
