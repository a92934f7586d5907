"""What the router counts: requests, tokens, money and time, by model and role and nothing finer."""

from hekaton_runtime.permits.permit import Claims
from hekaton_runtime.results import Usage
from hekaton_runtime.router.routes import Route
from hekaton_runtime.web.metrics import Registry


class Figures:
    """Counters in one registry."""

    def __init__(self, registry: Registry) -> None:
        by = ("model", "role")
        self._requests = registry.counter(
            "hekaton_router_requests_total", "Requests by their end.", *by, "outcome"
        )
        self._tokens = registry.counter(
            "hekaton_router_tokens_total", "Tokens as endpoints counted them.", *by, "kind"
        )
        self._cost = registry.counter(
            "hekaton_router_cost_usd_total", "US dollars at the formation's prices.", *by
        )
        self._seconds = registry.seconds(
            "hekaton_router_seconds", "From the request to the end of its answer.", *by
        )
        self._refused = registry.counter(
            "hekaton_router_refused_total", "Requests without a permit that covers them.", "status"
        )

    def refused(self, status: int) -> None:
        """A request that was not passed on."""
        self._refused.labels(str(status)).inc()

    def ended(
        self, route: Route, claims: Claims, outcome: str, usage: Usage | None, seconds: float
    ) -> None:
        """A request that was; `usage` where the endpoint named it."""
        by = (route.name, claims.role)
        self._requests.labels(*by, outcome).inc()
        self._seconds.labels(*by).observe(seconds)
        if usage is not None:
            prompt, said = usage.prompt_tokens, usage.completion_tokens
            self._tokens.labels(*by, "prompt").inc(prompt)
            self._tokens.labels(*by, "completion").inc(said)
            millionths = prompt * route.input_micros + said * route.output_micros
            self._cost.labels(*by).inc(millionths / 1e12)
