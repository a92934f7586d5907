"""What the API server noted of every request: who wrote what, when, and how long it took to answer."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

OURS = ("hekaton-operator", "kopf")
WRITES = frozenset(("create", "update", "patch", "delete"))


@dataclass(frozen=True, slots=True)
class Request:
    agent: str
    verb: str
    resource: str
    """With its subresource: missions/status."""
    name: str
    code: int
    received: float
    answered: float
    """Seconds since 1970."""

    @property
    def write(self) -> bool:
        """A write of the operator's, its Lease excepted."""
        mine = self.agent.startswith(OURS) and self.verb in WRITES
        return mine and self.resource != "leases"

    @property
    def read(self) -> bool:
        return self.agent.startswith(OURS) and self.verb in ("get", "list")


class Audit:
    """Follows the log from where it stands."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = log.stat().st_size if log.exists() else 0

    def mark(self) -> None:
        """Forget what was noted until now."""
        self._at = self._log.stat().st_size

    def requests(self) -> list[Request]:
        """All since the mark, but watches."""
        with self._log.open("rb") as file:
            file.seek(self._at)
            lines = file.read().split(b"\n")[:-1]
        return [made for line in lines if (made := _request(json.loads(line))) is not None]

    def writes(self) -> Counter[str]:
        """The operator's, by verb and resource."""
        return Counter(f"{each.verb} {each.resource}" for each in self.requests() if each.write)


def _request(event: dict[str, object]) -> Request | None:
    what, status = event.get("objectRef"), event.get("responseStatus")
    if event["stage"] != "ResponseComplete" or event["verb"] == "watch":
        return None
    if not isinstance(what, dict) or not isinstance(status, dict):
        return None
    part = f"/{what['subresource']}" if "subresource" in what else ""
    return Request(
        str(event.get("userAgent", "")), str(event["verb"]), f"{what.get('resource')}{part}",
        str(what.get("name", "")), int(status.get("code", 0)),
        _seconds(event["requestReceivedTimestamp"]), _seconds(event["stageTimestamp"]),
    )  # fmt: skip


def _seconds(stamp: object) -> float:
    return datetime.fromisoformat(str(stamp)).timestamp()


def admissions(requests: list[Request]) -> list[float]:
    """Seconds from the answer to each mission's creation until the answer to its first status."""
    made: dict[str, float] = {}
    told: dict[str, float] = {}
    for each in requests:
        if each.code < 300 and each.verb == "create" and each.resource == "missions":
            made[each.name] = each.answered
        if each.code < 300 and each.write and each.resource == "missions/status":
            told.setdefault(each.name, each.answered)
    return [max(0.0, told[name] - made[name]) for name in made if name in told]
