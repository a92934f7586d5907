"""`hekaton serve --cluster`: the HMA service before a cluster; it makes Missions and works none itself."""

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from hekaton_runtime.cli.renaming import by_option
from hekaton_runtime.cli.serving import stopping
from hekaton_runtime.errors import BadInput
from hekaton_runtime.kube.cluster import SERVICE, Cluster
from hekaton_runtime.service.app import House, application
from hekaton_runtime.service.cluster import ClusterDesk, Offer
from hekaton_runtime.service.desk import Submission
from hekaton_runtime.service.drafting import Terms, mission
from hekaton_runtime.service.figures import Figures
from hekaton_runtime.service.keys import Keys
from hekaton_runtime.service.keys import from_environ as keys_from_environ
from hekaton_runtime.service.rates import Rates
from hekaton_runtime.web.metrics import Registry
from hekaton_runtime.web.serving import serving

HERE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Fronting:
    """The command line of `serve --cluster`."""

    host: str
    port: int
    namespace: str
    context: str
    """Empty: the pod's own service account, or outside of a pod the current context."""
    formation: str
    mode: str
    queue: int
    rate: int
    wall_clock: str
    usd: str


def serve(wanted: Fronting) -> int:
    """Until SIGTERM or Ctrl-C; raises `BadInput`, `Unavailable`."""
    keys = keys_from_environ(os.environ)
    reasons = []
    if not keys and wanted.host not in HERE:
        reasons.append(
            f"--host: {wanted.host!r} is seen from elsewhere, and no API key is set."
            " Set HEKATON_API_KEYS, or serve 127.0.0.1."
        )
    try:
        usd = Decimal(wanted.usd) if wanted.usd else None
        terms = Terms(wanted.formation, wanted.mode, wanted.wall_clock, usd or Decimal(1))
        with by_option():
            mission(Submission("any task", 1), {"name": "any"}, terms)
    except InvalidOperation:
        reasons.append(f"--budget-usd: {wanted.usd!r} is no amount. Give e.g. 2.50.")
    except BadInput as fault:
        reasons += fault.reasons
    if reasons:
        raise BadInput(reasons)
    return asyncio.run(_serve(wanted, keys, usd))


async def _serve(wanted: Fronting, keys: Keys, usd: Decimal | None) -> int:
    stop = stopping()
    in_pod = "KUBERNETES_SERVICE_HOST" in os.environ and not wanted.context
    async with AsyncExitStack() as stack:
        place = (
            Cluster.inside(wanted.namespace)
            if in_pod
            else Cluster.connect(wanted.namespace, wanted.context, manager=SERVICE)
        )
        cluster = await stack.enter_async_context(place)
        offer = Offer(wanted.formation, cluster.namespace, wanted.mode, wanted.wall_clock, usd)
        desk = ClusterDesk(cluster, offer, wanted.queue)
        figures = Figures(Registry())
        house = House(desk, desk, keys, Rates(wanted.rate), figures, desk.why_not)
        url = await stack.enter_async_context(serving(application(house), wanted.host, wanted.port))
        who = f"{len(keys.digests)} API keys" if keys else "no API keys: this machine only"
        where = f"namespace {cluster.namespace}  formation {wanted.formation}"
        print(f"serve: {url}  {where}  mode {wanted.mode}  {who}", flush=True)
        await stop.wait()
    return 0
