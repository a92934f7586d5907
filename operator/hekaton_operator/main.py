"""The operator as a process: settings, doors, leadership, and the order in which all of it starts and ends.

Start: health, Lease, LISTs, rows, workers, feed. End: the same backwards, the Lease last. Everything
that is waited for has a time limit.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from hekaton_api.vram.catalog import shipped
from hekaton_operator import curve, logs
from hekaton_operator.cluster import Cluster
from hekaton_operator.dispatch import Dispatch
from hekaton_operator.errors import Away, BadSettings, Deposed
from hekaton_operator.events import Events
from hekaton_operator.feed import Place, feed
from hekaton_operator.formation.keys import Mints
from hekaton_operator.formation.reconcile import Means
from hekaton_operator.health import Answers, serve
from hekaton_operator.lead import LEASE, Leader
from hekaton_operator.metrics import Metrics
from hekaton_operator.mirror import Mirror
from hekaton_operator.objects import Key
from hekaton_operator.reconciler import Hands, Reconciler
from hekaton_operator.roster import Roster
from hekaton_operator.settings import Settings, from_environ
from hekaton_operator.store import Store
from hekaton_operator.tenancy import tenancy
from hekaton_operator.views import Views
from hekaton_operator.vital import Vital
from hekaton_operator.workers import WORKERS, Resync, refresh, worker
from hekaton_operator.workqueue import WorkQueue

log = logging.getLogger(__name__)
ENDED, DEPOSED, BAD_INPUT = 0, 1, 2
PRIMING = 1.0
"""Seconds before a server that does not answer is asked again."""


def main(environ: Mapping[str, str] = os.environ) -> int:
    """The process's exit code."""
    try:
        settings = from_environ(environ)
    except BadSettings as fault:
        for reason in fault.reasons:
            print(reason, file=sys.stderr)
        return BAD_INPUT
    logs.setup(settings.level)
    place = Place(
        in_cluster=bool(environ.get("KUBERNETES_SERVICE_HOST")) and not environ.get("KUBECONFIG"),
        host=environ.get("KUBERNETES_SERVICE_HOST", ""),
        port=environ.get("KUBERNETES_SERVICE_PORT", "443"),
        namespace=settings.watched,
    )
    try:
        asyncio.run(_run(settings, place))
    except Deposed as fault:
        log.error("%s Ends, so that it starts anew as a replica that waits.", fault)
        return DEPOSED
    return ENDED


async def _run(settings: Settings, place: Place) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    metrics, vital = Metrics(), Vital(loop.time)
    async with Cluster.connect(place.in_cluster) as cluster:
        leader = Leader(cluster, Key("Lease", settings.namespace, LEASE), settings.identity)
        vital.watch(leader)
        cluster.fence(leader.holds)
        answers = Answers(vital.alive, vital.ready, metrics.text)
        metrics.gauge("api_requests", "Requests but watches", lambda: float(cluster.requests))
        async with serve(settings.port, answers):
            log.info("waits for the lease", extra={"identity": settings.identity})
            work = partial(operate, cluster, settings, place, stop, metrics, vital)
            leading = asyncio.create_task(leader.run(work))
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({leading, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set() and leader.leads:
                    await asyncio.wait({leading}, timeout=5)
                if leading.done():
                    await leading
            finally:
                for task in (leading, stopping):
                    task.cancel()
                await asyncio.gather(leading, stopping, return_exceptions=True)
                await leader.release()


async def operate(
    cluster: Cluster, settings: Settings, place: Place, stop: asyncio.Event, metrics: Metrics, vital: Vital
) -> None:  # fmt: skip
    """Everything the leader does, until `stop`."""
    loop = asyncio.get_running_loop()
    store, roster, queue = Store(), Roster(), WorkQueue(loop.time)
    mirror = Mirror(settings.server)
    views = Views(store, roster, mirror, shipped())
    dispatch = Dispatch(store, roster, queue, views, mirror)
    means = Means(settings.images, Mints(curve.mint, curve.permit_key))
    roles = tenancy(settings.server) if settings.tenant_roles else None
    hands = Hands(cluster, mirror, Events(settings.identity), means, settings, roles)
    reconciler = Reconciler(store, roster, views, hands)
    await _prime(cluster, store, mirror, dispatch, settings)
    vital.leading(queue)
    _gauges(metrics, store, queue, mirror)
    resync = Resync(cluster, store, settings.watched, dispatch.everything)
    tasks = [asyncio.create_task(worker(queue, reconciler, metrics)) for _ in range(WORKERS)]
    tasks += [asyncio.create_task(each) for each in (mirror.run(), resync.run(), vital.tick())]
    watching = asyncio.create_task(feed(store, place, stop, resync.relisted))
    try:
        await asyncio.wait({*tasks, watching}, return_when=asyncio.FIRST_COMPLETED)
        for task in (watching, *tasks):
            if task.done():
                await task
    finally:
        for task in (*tasks, watching):
            task.cancel()
        await asyncio.gather(*tasks, watching, return_exceptions=True)
        queue.close()
        await mirror.close()
        metrics.leads(False)


async def _prime(
    cluster: Cluster, store: Store, mirror: Mirror, dispatch: Dispatch, settings: Settings
) -> None:
    """Know everything before deciding anything: a child that was not seen yet looks like a missing one."""
    started = time.monotonic()
    while True:
        try:
            await refresh(cluster, store, settings.watched)
            break
        except Away as fault:
            log.warning("start: %s", fault)
            await asyncio.sleep(PRIMING)
    with suppress(Away):  # without the database, what stands in the status stays
        await mirror.prime(dispatch.rows())
    took = round(time.monotonic() - started, 3)
    log.info("started", extra={"objects": len(store), "seconds": took})


def _gauges(metrics: Metrics, store: Store, queue: WorkQueue, mirror: Mirror) -> None:
    metrics.leads(True)
    metrics.gauge("objects", "Objects in the store", lambda: float(len(store)))
    metrics.gauge("queue_depth", "Keys that wait", lambda: float(queue.depth))
    metrics.gauge("queue_adds", "Keys added", lambda: float(queue.adds))
    metrics.gauge("queue_retries", "Keys tried again", lambda: float(queue.retries))
    metrics.gauge("queue_oldest_seconds", "Age of the oldest key", queue.oldest)
    metrics.gauge("database_up", "1 while PostgreSQL answers", lambda: float(mirror.up))
    metrics.gauge("database_batches", "Reads of rows", lambda: float(mirror.batches))
