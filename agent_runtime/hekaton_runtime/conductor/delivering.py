"""Bring a mission's result to where its author wants it: a volume, a branch, the database."""

import asyncio
import shutil
from pathlib import Path

from hekaton_runtime.conductor.conduct import Ending
from hekaton_runtime.conductor.grounds import Grounds
from hekaton_runtime.conductor.records import Record
from hekaton_runtime.errors import Fenced
from hekaton_runtime.report.values import Artifact
from hekaton_runtime.room import write_whole
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.workspace.git import Git
from hekaton_runtime.workspace.pushing import Goal, push
from hekaton_runtime.workspace.sandbox import erase

SITREP, SITREP_JSON = "SITREP.md", "sitrep.json"
PATCH, BUNDLE = "artifact.patch", "artifact.bundle"
FILES = "files"
"""Folder of the result's tree on a volume."""
LARGEST = 64 * 1024 * 1024
"""Bytes of one paper in the database."""
TRIES, PAUSE = 3, 1.0


async def pushed(
    record: Record, ending: Ending, git: Git, artifact: Artifact | None, grounds: Grounds
) -> Ending:
    """The ending once a passed result is on its branch; a result that nobody gets has not passed."""
    spec = record.mission.spec
    wanted = spec.artifact.git if spec.artifact else None
    if ending.state != "passed" or artifact is None or wanted is None or spec.workspace.git is None:
        return ending
    goal = Goal(spec.workspace.git.url, wanted.branch, grounds.git_key)
    why = ""
    for _ in range(TRIES):
        why = await push(git, artifact.commit, goal)
        if not why:
            return ending
        await asyncio.sleep(PAUSE)
    reason = f"{ending.reason}, but the result could not be pushed: {why}"
    return Ending("failed", "", reason, ending.conclusion)


def papers_in(folder: Path, artifact: Artifact | None) -> dict[str, Path]:
    """The files of a mission's folder under the names that they have everywhere else."""
    papers = {SITREP: folder / SITREP, SITREP_JSON: folder / SITREP_JSON}
    if artifact is not None:
        papers |= {PATCH: Path(artifact.patch), BUNDLE: Path(artifact.bundle)}
    return papers


async def put_on_volume(
    target: Path, git: Git, papers: dict[str, Path], artifact: Artifact | None
) -> None:
    """Papers and the result's files; again replaces them."""
    target.mkdir(parents=True, exist_ok=True)
    for name, path in papers.items():
        write_whole(target / name, path.read_bytes())
    if artifact is None:
        return
    fresh = target / f".{FILES}.part"
    await erase(fresh)
    fresh.mkdir()
    await git.checkout(artifact.commit, fresh)
    await erase(target / FILES)
    shutil.move(fresh, target / FILES)


async def put_in_database(
    database: Database, mission: str, token: int, papers: dict[str, Path]
) -> None:
    """What is too large is left out; the SITREP names the artifact all the same. Raises `Fenced`."""
    for name, path in papers.items():
        content = path.read_bytes()
        if len(content) > LARGEST:
            continue
        if not await database.value(
            "select hekaton.put_paper($1, $2, $3, $4)", mission, token, name, content
        ):
            raise Fenced(f"Another conductor has taken mission {mission!r}.")
