"""Three formations and their missions in a namespace of their own, and what must be true of them.

No node is there: the test plays the kubelet of formations, and pods of missions wait for one.
"""

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cluster.objects import Object, formation, mission, together
from cluster.use import Cluster

PLACES = 20
"""Missions at once of a formation: more than there are, so that none waits for another."""
CHILDREN = "job,configmap"
LABEL = "hekaton.dev/mission"
TEAM = "app.kubernetes.io/component=formation"


@dataclass
class Crowd:
    cluster: Cluster
    space: str
    teams: tuple[str, ...] = ("red", "green", "blue")
    missions: set[str] = field(default_factory=set)

    def kubectl(self, *words: str, text: str | None = None) -> str:
        return self.cluster.kubectl("-n", self.space, *words, text=text)

    def listed(self, kinds: str, *words: str) -> list[dict[str, Any]]:
        return self.cluster.listed(self.space, kinds, *words)

    def form(self, **more: Any) -> None:
        """Make the formations, or change them."""
        self._apply(*(formation(name, **{"capacity": PLACES, **more}) for name in self.teams))

    def send(self, first: int, last: int, **more: Any) -> None:
        """Make missions of these numbers, or change them; each formation gets its share."""
        numbers, teams = range(first, last), self.teams
        self._apply(*(mission(_name(n), teams[n % len(teams)], **more) for n in numbers))
        self.missions |= {_name(n) for n in numbers}

    def dismiss(self, first: int, last: int) -> None:
        names = [_name(number) for number in range(first, last)]
        self.kubectl("delete", "missions", *names, "--wait=false")
        self.missions -= set(names)

    def rob(self, kinds: str = "services,networkpolicies,serviceaccounts") -> None:
        """Delete children of the formations."""
        self.kubectl("delete", kinds, "-l", TEAM, "--wait=false")

    def play(self) -> None:
        """Play the kubelet: pods of formations are ready as soon as they are there."""
        ready = {
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        }
        for pod in self.listed("pods", "-l", TEAM):
            if pod["status"].get("phase") != "Running":
                words = ("patch", "pod", pod["metadata"]["name"], "--subresource=status")
                self.kubectl(*words, "--type=merge", "-p", json.dumps(ready))

    def wrong(self) -> str:
        """What is not as it must be; nothing when all is."""
        self.play()
        missions = self.listed("missions")
        busy = Counter(e["spec"]["formation"] for e in missions if not e["spec"].get("suspend"))
        faults = (*self._teams(busy), *self._missions(missions), *self._children())
        return "; ".join(faults[:5])

    def _teams(self, shares: Counter[str]) -> list[str]:
        found = self.listed("formations")
        faults = [] if len(found) == len(self.teams) else [f"{len(found)} formations"]
        for each in found:
            name, status = each["metadata"]["name"], each.get("status", {})
            if not _true(each, "Ready"):
                faults.append(f"{name} is not ready: {status.get('conditions')}")
            if status.get("activeMissions") != shares[name]:
                faults.append(f"{name}: {status.get('activeMissions')} active, not {shares[name]}")
        for kind, count in (("services", 3), ("networkpolicies", 3), ("serviceaccounts", 3)):
            there = len(self.listed(kind, "-l", TEAM))
            faults += [f"{there} {kind}"] if there != count else []
        return faults

    def _missions(self, found: list[dict[str, Any]]) -> list[str]:
        names = {each["metadata"]["name"] for each in found}
        faults = [] if names == self.missions else [f"missions: {names ^ self.missions}"]
        for each in found:
            paused = each["spec"].get("suspend", False)
            if not _current(each):
                faults.append(f"{each['metadata']['name']}: status of an older generation")
            elif _true(each, "Admitted") == paused:
                faults.append(f"{each['metadata']['name']}: suspend is {paused}, Admitted not so")
        return faults

    def _children(self) -> list[str]:
        """Each mission has one Job and one ConfigMap; no mission, none."""
        there = Counter(
            (each["metadata"]["labels"][LABEL], each["kind"])
            for each in self.listed(CHILDREN, "-l", LABEL)
        )
        wanted = Counter((name, kind) for name in self.missions for kind in ("Job", "ConfigMap"))
        return [f"children: {dict((there - wanted) | (wanted - there))}"] if there != wanted else []

    def made(self) -> Counter[str]:
        """How often each Job was made, by the audit log."""
        found: Counter[str] = Counter()
        for line in (self.cluster.folder / "audit.log").read_text().splitlines():
            what = (event := json.loads(line)).get("objectRef", {})
            mine = what.get("namespace") == self.space and what.get("resource") == "jobs"
            if mine and event["verb"] == "create" and event["responseStatus"]["code"] == 201:
                found[what["name"]] += 1
        return found

    def _apply(self, *objects: Object) -> None:
        words = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        self.kubectl(*words, text=together(*objects))


def crowd(cluster: Cluster) -> Crowd:
    """In a new namespace, which goes with the cluster."""
    space = f"storm-{os.urandom(3).hex()}"
    cluster.kubectl("create", "namespace", space)
    return Crowd(cluster, space)


def _name(number: int) -> str:
    return f"m-{number}"


def _current(body: dict[str, Any]) -> bool:
    seen: int = body.get("status", {}).get("observedGeneration", 0)
    generation: int = body["metadata"]["generation"]
    conditions = body.get("status", {}).get("conditions", ())
    return seen == generation and all(
        each["observedGeneration"] == generation for each in conditions
    )


def _true(body: dict[str, Any], kind: str) -> bool:
    """Whether a condition holds of the newest generation."""
    held = body.get("status", {}).get("conditions", ())
    return _current(body) and any(e["type"] == kind and e["status"] == "True" for e in held)
