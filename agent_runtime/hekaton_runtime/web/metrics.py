"""The one door to prometheus-client: a process's own figures, in a registry of its own."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Upper bounds of the latency buckets: a model call takes from a moment to minutes."""
Levels = Callable[[], Mapping[tuple[str, ...], float]]
"""Reads a gauge when it is asked for: the values by their labels."""


class _Read(Collector):
    """A gauge that is read, never set."""

    def __init__(self, name: str, help_: str, labels: tuple[str, ...], levels: Levels) -> None:
        self._name, self._help, self._labels, self._levels = name, help_, labels, levels

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._help, labels=self._labels)
        for values, level in self._levels().items():
            family.add_metric(values, level)
        yield family


class Registry:
    """Makes figures and writes them all as text."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()

    def counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(name, help_, labels, registry=self._registry)

    def seconds(self, name: str, help_: str, *labels: str) -> Histogram:
        return Histogram(name, help_, labels, registry=self._registry, buckets=SECONDS)

    def gauge(self, name: str, help_: str, labels: tuple[str, ...], levels: Levels) -> None:
        """`levels` is called at every scrape."""
        self._registry.register(_Read(name, help_, labels, levels))

    def text(self) -> tuple[bytes, str]:
        """Everything in the text format, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
