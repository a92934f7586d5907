"""Runs whole missions whose models do what hostile text tells them, with things worth stealing around."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

KEY = "sk-canary-7d1f0c2b9e"
"""Stands in the environment of `hekaton` as a user's key would."""


@dataclass(frozen=True)
class Told:
    """What a command said, and every byte that the mission left anywhere."""

    code: int
    out: str
    errors: str
    papers: str
    journal: bytes

    @property
    def everything(self) -> bytes:
        return b"\n".join(
            (self.out.encode(), self.errors.encode(), self.papers.encode(), self.journal)
        )


@dataclass(frozen=True)
class Place:
    """A home folder and a database."""

    home: Path
    dsn: str

    def environ(self, **more: str) -> dict[str, str]:
        parts = urlsplit(self.dsn)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "HEKATON_HOME": str(self.home),
            "HEKATON_DB_HOST": parse_qs(parts.query)["host"][0],
            "HEKATON_DB_PORT": "5432",
            "HEKATON_DB_NAME": parts.path.strip("/"),
            "HEKATON_DB_USER": "postgres",
            "HEKATON_DB_PASSWORD": KEY,
            "OPENAI_API_KEY": KEY,
            **more,
        }

    def hekaton(self, *words: str | Path, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "hekaton_runtime.cli.main", *map(str, words)],
            env=self.environ(**more), cwd=self.home, capture_output=True, text=True, timeout=110, check=False,
        )  # fmt: skip

    def errors(self, done: "subprocess.CompletedProcess[str]", code: int = 2) -> list[str]:
        """What a command that was refused says: reasons, and nothing else."""
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        lines = done.stderr.splitlines()
        assert all(line.startswith("error: ") for line in lines), done.stderr
        return lines

    def one_error(self, done: "subprocess.CompletedProcess[str]", code: int = 2) -> str:
        (only,) = self.errors(done, code)
        return only

    async def left_nothing(self) -> None:
        """No mission in the database, and no folder of one."""
        assert not list(self.home.glob("missions/*"))
        known = await self.sql("select to_regclass('hekaton.mission') is not null as known")
        if known[0]["known"]:
            assert await self.sql("select id from hekaton.mission") == []

    async def sql(self, text: str, *args: object) -> list[asyncpg.Record]:
        link = await asyncpg.connect(self.dsn)
        try:
            return await link.fetch(text, *args)
        finally:
            await link.close()

    async def work(
        self, mission: dict[str, object], answers: dict[str, object], *options: str
    ) -> Told:
        """Work a mission with models that always give these answers."""
        document = {
            "apiVersion": "hekaton.dev/v1alpha1", "kind": "Mission", "metadata": {"name": "victim"},
            "spec": {"formation": "simulated", "budget": {"tokens": 400000, "usd": 2, "wallClock": "5m"}, **mission},
        }  # fmt: skip
        book = {"entries": [{"key": "all", "match": str(mission["goal"])[:40], "answers": answers}]}
        (self.home / "m.yaml").write_text(json.dumps(document))
        (self.home / "m.book.yaml").write_text(json.dumps(book))
        done = self.hekaton("run", self.home / "m.yaml", "--simulate", "--plain", *options)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        rows = await self.sql("select body from hekaton.journal")
        papers = (path for path in self.home.glob("missions/*/*") if path.is_file())
        return Told(
            done.returncode, done.stdout, done.stderr,
            "\n".join(path.read_text(errors="replace") for path in papers),
            b"\n".join(row["body"] for row in rows),
        )  # fmt: skip


@pytest.fixture
def place(dsn: str) -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="hs-", dir="/tmp"))
    (folder / "tmp").mkdir()
    yield Place(folder, dsn)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture
def patch() -> Callable[..., dict[str, object]]:
    """A builder's answer that writes these files."""

    def written(**files: str) -> dict[str, object]:
        named = [{"path": p.replace("__", "."), "content": text} for p, text in files.items()]
        return {"patch": {"summary": "as I was told", "files": named}}

    return written
