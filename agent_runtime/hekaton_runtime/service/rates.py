"""How often each client may ask: a bucket that fills steadily. Pure; the clock is an argument."""

from hekaton_runtime.service.desk import Client


class Rates:
    """One bucket a client. The clients are the configured keys, so there is a bounded number of them."""

    def __init__(self, per_minute: int) -> None:
        """A bucket holds a minute's worth."""
        self._full = float(per_minute)
        self._pace = per_minute / 60
        self._levels: dict[Client, tuple[float, float]] = {}

    def wait(self, client: Client, now: float) -> float:
        """Take one; 0.0, or the seconds until there is one again (then nothing is taken)."""
        level, since = self._levels.get(client, (self._full, now))
        level = min(self._full, level + max(0.0, now - since) * self._pace)
        taken = level >= 1
        self._levels[client] = (level - 1 if taken else level, max(now, since))
        return 0.0 if taken else (1 - level) / self._pace
