"""Helm, as a person would use it on the chart: lint, render, and what it says when it refuses."""

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chart.yamls import Object, read
from cluster.native.binaries import built
from cluster.places import ROOT

CHART = ROOT / "charts" / "hekaton"
NAMESPACE = "hekaton-system"
TEMPLATE = ("template", "hekaton", str(CHART), "--namespace", NAMESPACE)


class Refused(Exception):
    """Helm's own words."""


@dataclass(frozen=True)
class Helm:
    program: Path
    """The helm command."""

    def say(self, *words: str) -> str:
        """What the command prints. Raises `Refused`."""
        done = subprocess.run([self.program, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(done.stdout + done.stderr)
        return done.stdout

    def text(self, *sets: str) -> str:
        """The rendered chart without its test pod; `sets` are NAME=VALUE."""
        return self.say(*TEMPLATE, "--skip-tests", *_flags(sets))

    @cache  # noqa: B019 - a session has one Helm, and reading a rendering takes long
    def objects(self, *sets: str) -> list[Object]:
        """The rendered objects, the test pod among them. Read them, do not change them."""
        return read(self.say(*TEMPLATE, *_flags(("crds.enabled=false", *sets))))


def _flags(sets: tuple[str, ...]) -> list[str]:
    return [word for each in sets for word in ("--set", each)]


def found() -> Helm:
    """The pinned Helm, built first where it is missing."""
    return Helm(built(("helm",)) / "helm")
