"""kubectl in one namespace, and waiting, as a user does both."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.use import Cluster

Object = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
HEKATON = ROOT / ".venv" / "bin" / "hekaton"


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace, and kubectl in it."""

    cluster: Cluster
    name: str

    def kubectl(self, *words: str, text: str | None = None, patience: float = 120) -> str:
        return self.cluster.kubectl("-n", self.name, *words, text=text, patience=patience)

    def hekaton(self, *words: str) -> str:
        """The `hekaton` command from outside, on this cluster's kubeconfig."""
        said = self.cluster.run(str(HEKATON), *words, "-n", self.name)
        assert said.code == 0, f"hekaton {' '.join(words)}: {said.out}{said.error}"
        return said.out

    def apply(self, *paths: str) -> None:
        """Files or folders, by their path in the checkout."""
        for path in paths:
            self.kubectl("apply", "-f", str(ROOT / path))

    def apply_text(self, text: str) -> None:
        self.kubectl("apply", "-f", "-", text=text)

    def get(self, kind: str, name: str) -> Object:
        found: Object = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        return found

    def listed(self, kind: str, selector: str = "") -> list[Object]:
        narrowed = ("-l", selector) if selector else ()
        items: list[Object] = json.loads(self.kubectl("get", kind, *narrowed, "-o", "json"))[
            "items"
        ]
        return items

    def condition(self, kind: str, name: str, wanted: str) -> Object:
        """One condition as it stands; empty when there is none of that type."""
        status = self.get(kind, name).get("status", {})
        found = [each for each in status.get("conditions", ()) if each["type"] == wanted]
        return found[0] if found else {}

    def wait(self, kind: str, name: str, wanted: str, seconds: float = 180) -> None:
        """Until a condition is true, by kubectl's own wait; tells what was instead."""
        said = self.cluster.run(
            "kubectl", "-n", self.name, "wait", f"--for=condition={wanted}", f"{kind}/{name}",
            f"--timeout={seconds:.0f}s", patience=seconds + 30,
        )  # fmt: skip
        assert said.code == 0, said.error + self.told(kind, name)

    def told(self, kind: str, name: str) -> str:
        """All that a user would look at when a wait ends badly."""
        looks = (
            ("describe", kind, name),
            ("get", "pods,jobs,statefulsets", "-o", "wide"),
            ("get", "events", "--sort-by=.lastTimestamp"),
        )
        told = (self.cluster.run("kubectl", "-n", self.name, *words) for words in looks)
        return "\n".join(said.out + said.error for said in told)
