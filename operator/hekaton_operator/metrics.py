"""What the operator tells Prometheus about itself. The one door to prometheus-client.

Labels are bounded: kinds, results and reasons of our own, never the name of an object.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """A registry of its own: no global state, and as many operators in a test as one likes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        make = self.registry
        self._reconciles = Counter(
            "hekaton_operator_reconciles", "Reconciles by kind and result", ["kind", "result"], registry=make
        )  # fmt: skip
        self._work = Histogram(
            "hekaton_operator_reconcile_seconds", "Time of one reconcile", ["kind"], buckets=SECONDS, registry=make
        )  # fmt: skip
        self._wait = Histogram(
            "hekaton_operator_queue_wait_seconds", "Time a key waited", buckets=SECONDS, registry=make
        )  # fmt: skip
        self._leads = Gauge("hekaton_operator_leads", "1 while this replica leads", registry=make)

    def reconciled(self, kind: str, result: str, waited: float, took: float) -> None:
        """`result`: done, retried or failed."""
        self._reconciles.labels(kind, result).inc()
        self._work.labels(kind).observe(took)
        self._wait.observe(waited)

    def leads(self, value: bool) -> None:
        self._leads.set(value)

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A figure that is read when it is asked for."""
        Gauge(f"hekaton_operator_{name}", text, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        return generate_latest(self.registry)
