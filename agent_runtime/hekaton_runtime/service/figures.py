"""The service's own figures: the three that the HMA promised, under its names, and ours beside them."""

from hekaton_runtime.conductor.events import Event, Replied
from hekaton_runtime.web.metrics import Registry


class Figures:
    """Counts since the process started; what lasts is in the database."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.waiting = 0
        """Missions that have not begun, as of the last look."""
        self.running = 0
        self._tokens = registry.counter("hma_tokens_total", "Tokens of all answers.")
        self._errors = registry.counter("hma_worker_errors_total", "Answers that were no use.")
        self._seconds = registry.seconds(
            "hma_task_duration_seconds", "From the start of a submitted task to its end."
        )
        self._submitted = registry.counter(
            "hekaton_service_submissions_total", "Tasks that were sent, by what became of them.", "verdict",
        )  # fmt: skip
        self._requests = registry.counter(
            "hekaton_service_requests_total", "Answered requests, by status code.", "status"
        )
        self._ended = registry.counter(
            "hekaton_service_missions_ended_total", "Missions that ended here.", "outcome"
        )
        self._spent = registry.counter(
            "hekaton_service_spent_usd_total", "Cost of all answers, US dollars."
        )
        registry.gauge(
            "hekaton_service_missions", "Missions by state, as of the last look.", ("state",),
            lambda: {("queued",): float(self.waiting), ("running",): float(self.running)},
        )  # fmt: skip

    def heard(self, event: Event) -> None:
        """Something happened in a mission."""
        if isinstance(event, Replied):
            self._tokens.inc(event.tokens)
            self._spent.inc(event.micros / 1e6)
            if event.fault:
                self._errors.inc()

    def submitted(self, verdict: str) -> None:
        """queued, full, limited."""
        self._submitted.labels(verdict).inc()

    def answered(self, status: int) -> None:
        self._requests.labels(str(status)).inc()

    def ended(self, outcome: str, seconds: float) -> None:
        self._ended.labels(outcome).inc()
        self._seconds.observe(max(0.0, seconds))
