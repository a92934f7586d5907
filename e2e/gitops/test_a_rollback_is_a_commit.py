"""The history of a Formation that is kept in Git: what a commit, another one and a revert leave in the cluster."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cluster.use import Cluster
from cluster.waiting import until
from gitops.conftest import GITOPS

SPACE = "builders"
OURS = "hekaton.dev/formation=builders,!controller.kubernetes.io/hash"
SYNC = ("apply", "--server-side", "--force-conflicts", "--field-manager=argocd-controller")
AUTHOR = ("-c", "user.name=anna", "-c", "user.email=anna@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, slots=True)
class Repository:
    """A team's repository, and the cluster that it is synced to."""

    folder: Path
    cluster: Cluster

    def git(self, *words: str) -> None:
        subprocess.run(
            ["git", *AUTHOR, "-C", str(self.folder), *words], check=True, stdout=subprocess.DEVNULL
        )

    def commit(self, old: str, new: str) -> None:
        """Change the formation, and sync."""
        file = self.folder / "base" / "formation.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        self.git("commit", "--all", "--quiet", "-m", f"Change {old} to {new}")
        self.sync()

    def revert(self, commits: str) -> None:
        self.git("revert", "--no-edit", commits)
        self.sync()

    def sync(self) -> None:
        overlay = str(self.folder / "overlays" / "dev")
        self.cluster.kubectl(*SYNC, "-f", "-", text=self.cluster.kubectl("kustomize", overlay))

    def formation(self) -> dict[str, Any]:
        said = self.cluster.kubectl("get", "formation", SPACE, "-n", SPACE, "-o", "json")
        found: dict[str, Any] = json.loads(said)
        return found

    def seen(self) -> str:
        """Whether the operator has not yet looked at the newest generation."""
        body = self.formation()
        now, wanted = body["status"]["observedGeneration"], body["metadata"]["generation"]
        return "" if now == wanted else f"generation {now} of {wanted}"

    def history(self) -> dict[str, int]:
        """Names and numbers, oldest first, when the newest generation was looked at."""
        until(self.seen, 30)
        found = self.listed()
        return {each["metadata"]["name"]: each["revision"] for each in found}

    def listed(self) -> list[dict[str, Any]]:
        words = ("get", "controllerrevisions", "-n", SPACE, "-l", OURS, "--sort-by=.revision")
        found: list[dict[str, Any]] = json.loads(self.cluster.kubectl(*words, "-o", "json"))[
            "items"
        ]
        return found


@pytest.fixture
def repository(server: Cluster, operator: object, tmp_path: Path) -> Repository:
    folder = tmp_path / "team"
    shutil.copytree(GITOPS, folder)
    made = Repository(folder, server)
    made.git("init", "--quiet")
    made.git("add", "--all")
    made.git("commit", "--quiet", "-m", "Begin")
    server.run("kubectl", "delete", "formations,missions", "--all", "-n", SPACE)
    made.sync()
    return made


def test_a_revert_brings_the_old_revision_back_under_a_new_number(
    repository: Repository,
) -> None:
    (first,) = repository.history()
    repository.commit("instances: 3", "instances: 4")
    repository.commit("temperature: 0.7", "temperature: 0.2")
    _, second, third = history = repository.history()
    assert history == {first: 1, second: 2, third: 3}
    before = {each["metadata"]["name"]: each for each in repository.listed()}
    repository.revert("HEAD~2..HEAD")
    assert repository.history() == {second: 2, third: 3, first: 4}
    after = {each["metadata"]["name"]: each for each in repository.listed()}
    for name, body in before.items():
        assert after[name]["data"] == body["data"]
        assert after[name]["metadata"]["uid"] == body["metadata"]["uid"]
    assert first in repository.formation()["status"]["revisions"].values()
    repository.sync()
    until(repository.seen, 30)
    assert repository.listed() == list(after.values())
    people_see(repository, first, second)
    people_may_mark(repository, first)


def people_see(repository: Repository, newest: str, oldest: str) -> None:
    words = ("get", "controllerrevisions", "-n", SPACE, "-l", OURS, "--sort-by=.revision")
    head, *rows = repository.cluster.kubectl(*words).splitlines()
    assert head.split() == ["NAME", "CONTROLLER", "REVISION", "AGE"]
    assert [row.split()[:3] for row in (rows[0], rows[-1])] == [
        [oldest, "formation.hekaton.dev/builders", "2"],
        [newest, "formation.hekaton.dev/builders", "4"],
    ]


def people_may_mark(repository: Repository, name: str) -> None:
    """The server compares `data` byte by byte: it must not take this for a change of it."""
    words = ("controllerrevision", name, "-n", SPACE)
    repository.cluster.kubectl("annotate", *words, "why=good")
    patch = '{"metadata":{"finalizers":[]}}'
    repository.cluster.kubectl("patch", *words, "--type=merge", "-p", patch)
