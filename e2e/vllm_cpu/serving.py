"""A real vLLM on this machine's CPU with the tiny model, and what its own counters say.

The server is a session of its own, so that its engine and worker, which outlive a killed parent,
can be ended by id; the shared memory that a killed one leaves in /dev/shm is removed by name.
"""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "vllm"
VLLM = CACHE / "venv" / "bin" / "vllm"
MODEL = CACHE / "tiny"
PACKED = CACHE / "packed"
"""The model whose KV cache is packed."""
NAME = "tiny"
"""The model's name at the endpoint."""
STARTING = 480.0
"""Seconds: 25 on an idle machine of two cores, more where others use them."""
ENDING = 20.0
"""Seconds from SIGTERM to SIGKILL; an idle server takes two."""
KV_BYTES = 128 * 1024 * 1024
FLAGS = (
    "--enforce-eager",
    "--max-model-len=16384",
    "--max-num-seqs=16",
    # A request with a seed whose prompt is split over steps ends a CPU engine: one step for all.
    "--no-enable-chunked-prefill",
    "--max-num-batched-tokens=16384",
    f"--kv-cache-memory-bytes={KV_BYTES}",
    # Without the second a model that writes at random writes blanks for ever.
    '--structured-outputs-config={"backend":"xgrammar","disable_any_whitespace":true}',
    # One line a request and one an answer, for the tests to read.
    "--enable-log-requests",
    "--enable-log-outputs",
    "--no-enable-log-deltas",
)


@dataclass(frozen=True, slots=True)
class Counters:
    """The server's own account since it started."""

    prompt: int
    generated: int
    running: int
    """Requests it computes or has queued at this moment."""
    finished: int
    """Requests that ended by themselves or at their limit; one that was aborted counts nowhere."""

    @property
    def tokens(self) -> int:
        return self.prompt + self.generated


@dataclass(frozen=True, slots=True)
class Server:
    """One that is up."""

    url: str
    """Base URL of its API."""
    log: Path
    seconds: float
    """Until it was healthy."""

    def counters(self) -> Counters:
        """Read /metrics now."""
        text = self.metrics()
        ended = {why: total(text, "request_success_total", why) for why in ("stop", "length")}
        return Counters(
            prompt=total(text, "prompt_tokens_total"),
            generated=total(text, "generation_tokens_total"),
            running=total(text, "num_requests_running") + total(text, "num_requests_waiting"),
            finished=sum(ended.values()),
        )

    def metrics(self) -> str:
        """The text of /metrics now."""
        with urllib.request.urlopen(f"{self.url.removesuffix('/v1')}/metrics", timeout=30) as said:
            text: str = said.read().decode()
        return text

    def settled(self) -> Counters:
        """Counters once nothing runs and they have stopped moving; they trail an answer a little."""
        before, until = self.counters(), time.monotonic() + 60
        while time.monotonic() < until:
            time.sleep(0.5)
            now = self.counters()
            if now == before and not now.running:
                return now
            before = now
        raise TimeoutError(f"vLLM still works without anybody asking: {before}.")

    def said(self) -> str:
        """Its log so far; it names each request that was aborted."""
        return self.log.read_text(errors="replace")


def total(text: str, name: str, reason: str = "") -> int:
    """Sum a metric of the Prometheus text over its labels, or over those with a finished_reason."""
    lines = re.findall(rf"^vllm:{name}(\{{[^}}]*\}})? ([-+.\deE]+)$", text, re.MULTILINE)
    if not lines:
        raise LookupError(f"/metrics has no vllm:{name}; another version of vLLM?")
    wanted = f'finished_reason="{reason}"' if reason else ""
    return round(sum(float(value) for labels, value in lines if wanted in labels))


@contextmanager
def serving(folder: Path, model: Path = MODEL, flags: tuple[str, ...] = FLAGS) -> Iterator[Server]:
    """Start one, wait until it is healthy, and end it and all that it started."""
    port = free_port()
    log = folder / "vllm.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [VLLM, "serve", model, "--host=127.0.0.1", f"--port={port}", f"--served-model-name={NAME}", *flags],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            env=environment(folder), start_new_session=True,
        )  # fmt: skip
    memory: set[Path] = set()
    try:
        seconds = until_healthy(process, f"http://127.0.0.1:{port}", log)
        memory = shared_memory(process.pid)
        yield Server(f"http://127.0.0.1:{port}/v1", log, seconds)
    finally:
        end(process, memory)


def environment(folder: Path) -> dict[str, str]:
    """Offline, silent, and with caches of its own; VLLM_CPU_KVCACHE_SPACE must be absent."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_COLOR": "0",
    }


def until_healthy(process: "subprocess.Popen[bytes]", root: str, log: Path) -> float:
    began = time.monotonic()
    while time.monotonic() < began + STARTING:
        if process.poll() is not None:
            raise RuntimeError(f"vLLM ended with {process.returncode}:\n{tail(log)}")
        with suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"{root}/health", timeout=5).close()
            return time.monotonic() - began
        time.sleep(0.5)
    raise TimeoutError(f"vLLM is not healthy after {STARTING:g} s:\n{tail(log)}")


def end(process: "subprocess.Popen[bytes]", memory: set[Path]) -> None:
    """SIGTERM, a while, SIGKILL for all of its session, and its shared memory."""
    memory |= shared_memory(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDING)
    for member in session(process.pid):
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    process.wait(ENDING)
    until = time.monotonic() + ENDING
    while session(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    for path in memory:
        path.unlink(missing_ok=True)


def session(leader: int) -> list[int]:
    """The processes of a session; an engine or a worker may outlive its leader."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if sid(pid) == leader]


def sid(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0  # it has just ended


def shared_memory(leader: int) -> set[Path]:
    """Files psm_* in /dev/shm that this session holds open."""
    found = set()
    for pid in session(leader):
        with suppress(OSError):
            opened = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
            found |= {Path(name) for name in opened if name.startswith("/dev/shm/psm_")}
    return {path for path in found if path.exists()}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path, lines: int = 30) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
