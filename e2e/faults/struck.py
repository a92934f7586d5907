"""A mission that is struck, what it was charged, and what the simulated models say they answered."""

import json
from dataclasses import dataclass
from typing import Self

from cluster.use import Cluster
from cluster.waiting import until
from promises.installing import SYSTEM
from promises.kubectl import Namespace

ENDING = 420.0
"""Seconds for a mission that was struck."""
CALLS = (
    "select count(*) filter (where state = 'settled'), count(*) filter (where state = 'unknown'),"
    " count(*) filter (where state = 'open'),"
    " coalesce(sum(prompt_tokens + completion_tokens) filter (where state = 'settled'), 0)"
    " from hekaton.call where mission_id = '{}'"
)
ASK = (
    "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/billing').read().decode())"
)


@dataclass(frozen=True, slots=True)
class Billed:
    """What the models' server has charged for since it started."""

    calls: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Account:
    """The ledger's side and the server's."""

    settled: int
    unknown: int
    open: int
    tokens: int
    """Of settled calls."""
    billed: Billed

    def broken(self) -> list[str]:
        """What cannot be: a call done twice, charged too little, or left open."""
        faults = []
        if self.open:
            faults.append(f"{self.open} calls are still open")
        if not 0 <= self.billed.calls - self.settled <= self.unknown:
            faults.append("calls were asked again after they were settled, or settled unasked")
        if not self.unknown and self.tokens != self.billed.tokens:
            faults.append("the ledger's tokens are not the server's")
        return faults


@dataclass(frozen=True, slots=True)
class Struck:
    """The one mission that runs in its namespace."""

    space: Namespace
    name: str
    before: Billed

    @classmethod
    def begun(cls, space: Namespace, name: str, text: str) -> Self:
        made = cls(space, name, billed(space))
        space.apply_text(text)
        until(lambda: "" if made.spent else "nothing is spent yet", 240)
        return made

    @property
    def cluster(self) -> Cluster:
        return self.space.cluster

    @property
    def spent(self) -> int:
        status = self.space.get("mission", self.name).get("status", {})
        tokens: int = status.get("spent", {}).get("tokens", 0)
        return tokens

    def ends_well(self) -> None:
        """The promise: it succeeds, its account is exact, and the formation is ready again."""
        self.space.wait("mission", self.name, "Succeeded", ENDING)
        found = self.account()
        assert not found.broken(), (found.broken(), found)
        mission = self.space.get("mission", self.name)
        assert mission["status"]["spent"]["tokens"] <= mission["spec"]["budget"]["tokens"]
        assert mission["status"]["artifact"]["location"]
        self.space.wait("formation", "simulated", "Ready", 180)

    def account(self) -> Account:
        uid = self.space.get("mission", self.name)["metadata"]["uid"]
        words = ("exec", "hekaton-postgres-0", "-c", "postgres", "--", "psql", "-U", "postgres")
        system = Namespace(self.cluster, SYSTEM)
        row = system.kubectl(*words, "-d", "hekaton", "-tAc", CALLS.format(uid))
        settled, unknown, still, tokens = (int(value) for value in row.strip().split("|"))
        now = billed(self.space)
        since = Billed(now.calls - self.before.calls, now.tokens - self.before.tokens)
        return Account(settled, unknown, still, tokens, since)


def billed(space: Namespace) -> Billed:
    said = space.kubectl("exec", "deployment/simulated-models", "--", "python", "-c", ASK)
    totals = json.loads(said)["totals"]
    return Billed(totals["calls"], totals["prompt_tokens"] + totals["completion_tokens"])
