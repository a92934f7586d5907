"""Promise: two real vLLM servers under one launcher, started in order, planned, healed and ended."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from vllm_cpu.commands import HEKATON, HERE
from vllm_cpu.serving import MODEL, STARTING, VLLM, environment, free_port, sid

ENDING = 60.0
PLANNED = {"first": 2048, "second": 1536}
"""Context length by model."""


@dataclass
class Launched:
    """`hekaton engines` and what it says of itself."""

    process: "subprocess.Popen[bytes]"
    base: int
    health: int
    log: Path

    def get(self, path: str, port: int = 0) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{port or self.health}{path}", timeout=30
            ) as said:
                return said.status, said.read().decode()
        except urllib.error.HTTPError as fault:
            with fault:
                return fault.code, fault.read().decode()
        except OSError:
            return 0, ""

    def states(self) -> list[dict[str, Any]]:
        said = self.get("/engines")[1]
        found: list[dict[str, Any]] = json.loads(said) if said else []
        return found

    def until(self, seen: Callable[[list[dict[str, Any]]], bool]) -> None:
        until = time.monotonic() + 2 * STARTING
        while not seen(self.states()):
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < until, self.log.read_text()[-3000:]
            time.sleep(0.5)

    def until_ready(self) -> float:
        began = time.monotonic()
        self.until(lambda states: [one["phase"] for one in states] == ["ready", "ready"])
        return time.monotonic() - began


@pytest.fixture(scope="module")
def launched(folder: Path, figure: Callable[[str], None]) -> Iterator[Launched]:
    assert VLLM.exists(), f"{VLLM} is absent; run `make e2e-vllm`, which installs it."
    file, log = folder / "pair.yaml", folder / "engines.log"
    file.write_text((HERE / "pair.yaml").read_text().replace("MODEL", str(MODEL)))
    base, health = ports()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [HEKATON, "engines", "--formation", file, f"--port-base={base}", f"--health-port={health}"],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            env={**environment(folder), "HEKATON_VLLM": str(VLLM)},
        )  # fmt: skip
    made = Launched(process, base, health, log)
    try:
        figure(
            f"two vLLM servers, one after the other, were ready after {made.until_ready():.0f} s"
        )
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(ENDING)


def ports() -> tuple[int, int]:
    """Two free ones side by side, and another."""
    while True:
        base, health = free_port(), free_port()
        if base + 1 != health and base < 65_000:
            return base, health


def test_both_serve_under_the_formation_s_names_with_the_planned_context(
    launched: Launched,
) -> None:
    for i, (name, context) in enumerate(PLANNED.items()):
        (model,) = json.loads(launched.get("/v1/models", launched.base + i)[1])["data"]
        assert (model["id"], model["max_model_len"]) == (name, context)


def test_the_second_was_started_after_the_first_was_healthy(launched: Launched) -> None:
    said = launched.log.read_text()
    assert (
        said.index("[first] ")
        < said.index("Application startup complete")
        < said.index("[second] ")
    )


def test_the_pod_is_ready_and_their_own_figures_can_be_scraped(launched: Launched) -> None:
    assert launched.get("/readyz") == (200, "ready\n")
    assert 'hekaton_engine_ready{engine="vllm",model="second"} 1.0' in launched.get("/metrics")[1]
    assert "vllm:num_requests_running" in launched.get("/engines/first/metrics")[1]


def test_a_killed_engine_is_named_comes_back_and_leaves_the_other_alone(
    launched: Launched, figure: Callable[[str], None]
) -> None:
    launched.until_ready()
    first, second = (one["pid"] for one in launched.states())
    began = time.monotonic()
    os.killpg(first, signal.SIGKILL)
    launched.until(lambda states: states[0]["phase"] != "ready")
    assert launched.get("/readyz")[0] == 503
    launched.until_ready()
    figure(f"a killed vLLM was ready again after {time.monotonic() - began:.0f} s")
    assert launched.states()[1]["pid"] == second
    assert launched.states()[0]["restarts"] == 1


def test_sigterm_leaves_no_process_of_theirs(launched: Launched) -> None:
    launched.until_ready()
    leaders = {one["pid"] for one in launched.states()}
    launched.process.send_signal(signal.SIGTERM)
    assert launched.process.wait(ENDING) == 0
    until = time.monotonic() + 10
    while left := [
        p for p in map(int, filter(str.isdigit, os.listdir("/proc"))) if sid(p) in leaders
    ]:
        assert time.monotonic() < until, left
        time.sleep(0.2)
