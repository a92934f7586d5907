"""A model server that serves nothing: healthy after a while, and failing as it is told by a file.

The folder in FAKE_FOLDER holds a line for each start, and `NAME.orders`: one word for each start to
come (`crash`, `oom`, `killed`, `sick`, `stubborn`); without one it simply runs.
"""

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


def argument(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


NAME, PORT = argument("--served-model-name"), int(argument("--port"))
FOLDER = Path(os.environ["FAKE_FOLDER"])
STARTING = float(os.environ.get("FAKE_SECONDS", "0.2"))


class Answers(http.server.BaseHTTPRequestHandler):
    healthy = False

    def do_GET(self) -> None:
        fine = type(self).healthy and not (FOLDER / f"{NAME}.sick").exists()
        body = f'vllm:up{{model="{NAME}"}} 1\n'.encode() if "metrics" in self.path else b""
        self.send_response(200 if fine else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def order() -> str:
    file = FOLDER / f"{NAME}.orders"
    words = file.read_text().split() if file.exists() else []
    file.write_text(" ".join(words[1:]))
    return words[0] if words else ""


def note(what: str) -> None:
    with (FOLDER / "course").open("a") as file:
        file.write(f"{NAME} {what} {time.monotonic()}\n")


def main() -> None:
    note("start")
    print(f"loading {NAME}", flush=True)
    word = order()
    child = subprocess.Popen(["sleep", "600"])
    (FOLDER / f"{NAME}.child").write_text(str(child.pid))
    if word == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(STARTING)
    if word == "crash":
        print("ValueError: no such weights", flush=True)
        sys.exit(1)
    if word == "oom":
        print("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20 GiB", flush=True)
        sys.exit(1)
    if word == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Answers)
    Answers.healthy = True
    note("healthy")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if word == "later":
        time.sleep(1.0)
        print("RuntimeError: engine core died", flush=True)
        os._exit(3)
    while True:
        time.sleep(60)


main()
