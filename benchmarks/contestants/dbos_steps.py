"""DBOS's step: a workflow that calls one step in a loop, each result recorded in Postgres."""

import sys
import time

from blocks import Asked, serve, text
from dbos import DBOS

body = ""


@DBOS.step()
def step(number: int) -> str:
    return f"{number:08d}{body}"


@DBOS.workflow()
def loop(steps: int) -> list[float]:
    seconds = []
    for number in range(steps):
        began = time.perf_counter()
        step(number)
        seconds.append(time.perf_counter() - began)
    return seconds


def block(asked: Asked) -> Asked:
    global body
    body = text(asked["bytes"] - 8)
    return {"seconds": loop(asked["steps"])}


def main(dsn: str) -> None:
    url = dsn.replace("postgresql://", "postgresql+psycopg://")
    DBOS(
        config={
            "name": "steps",
            "system_database_url": url,
            "run_admin_server": False,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    try:
        serve(block)
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1])
