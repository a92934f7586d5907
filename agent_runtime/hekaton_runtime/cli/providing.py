"""Models of providers under `run`: LiteLLM inside this process, where a formation asks for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from hekaton_api.formation import FormationSpec
from hekaton_runtime.conductor.naming import Endpoint, Override, Provided
from hekaton_runtime.router.inside import inside
from hekaton_runtime.router.providers import ProviderUpstream, why_not_here
from hekaton_runtime.router.routes import provider_routes


@asynccontextmanager
async def provided(
    spec: FormationSpec, override: Override, environ: Mapping[str, str]
) -> AsyncIterator[Provided | None]:
    """Serve the models with engine `api`; None where there are none, or all go elsewhere."""
    routes, reasons = provider_routes(spec, environ)
    if not routes or override.base_url:
        yield None
        return
    if why := why_not_here():
        reasons = (f"models {', '.join(map(repr, routes))} have engine 'api'. {why}", *reasons)
    if reasons:
        yield Provided(reasons=reasons)
        return
    upstream = ProviderUpstream()
    async with inside(routes, upstream) as where:
        await upstream.warm()
        yield Provided(
            {
                name: Endpoint(where.root(name), route.served, where.token)
                for name, route in routes.items()
            }
        )
