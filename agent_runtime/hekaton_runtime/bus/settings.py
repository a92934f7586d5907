"""What can be tuned on a broker; the peers learn what concerns them from its welcome."""

from dataclasses import dataclass

from hekaton_runtime.errors import BadInput


@dataclass(frozen=True, slots=True)
class BusSettings:
    """Times, bounds and limits of one broker."""

    heartbeat: float = 1.0
    """Seconds between two heartbeats of a peer; the broker answers each."""
    patience: float = 5.0
    """Seconds without a message after which a peer (or, for a peer, the broker) counts as lost."""
    grace: float = 1.0
    """Seconds a cancelled agent has to say what the order cost; then the cost counts as unknown."""
    queue: int = 1024
    """Orders that wait per agent name while every instance is busy; one more is refused."""
    unanswered: int = 1024
    """Orders one caller may have unanswered; one more is refused."""
    open_rounds: int = 64
    """Debate rounds one caller may have open; a caller that opens more is dropped."""
    peers: int = 1024
    """Agents and callers registered at once; a further one is left waiting."""
    remembered: int = 1024
    """Finished orders whose outcome is kept: one sent again is answered and not repeated."""
    remembered_bytes: int = 64 * 1024 * 1024
    """Most bytes of text those kept outcomes may hold together."""
    high_water: int = 2048
    """Messages ZeroMQ buffers per peer and direction; a peer that lets them fill is lost."""

    def __post_init__(self) -> None:
        reasons = [
            f"BusSettings.{name} is {getattr(self, name)!r}; give a number above 0."
            for name in self.__dataclass_fields__
            if not getattr(self, name) > 0
        ]
        if self.patience < 2 * self.heartbeat:
            reasons.append(
                f"BusSettings.patience is {self.patience!r} with a heartbeat of "
                f"{self.heartbeat!r}; give at least two heartbeats."
            )
        if self.high_water < self.unanswered:
            reasons.append(
                f"BusSettings.high_water is {self.high_water!r} with {self.unanswered!r} "
                "unanswered orders allowed; give at least as much, or answers would be dropped."
            )
        if reasons:
            raise BadInput(reasons)
