"""A conductor that is killed, evicted or cut off, and the next one, which finds an empty disk."""

import re
import shutil
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(500)  # a dozen processes start, on whatever machine


@pytest.fixture(scope="module")
def socket(workspace: Callable[[], Path]) -> Path:
    return workspace()


@pytest.fixture(scope="module")
def undisturbed(pod: Any, socket: Path, mission_file: Path) -> Any:
    """The tree that an undisturbed mission ends with."""
    mission = str(uuid.uuid4())
    part = pod.conduct(
        mission, mission_file, "--workspace", socket, "--artifact", pod.node.home / "calm"
    )
    assert part.ended() == 0, part.lines
    return files(pod.node.home / "calm" / "files")


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    "moment",
    [r"merged task/\S+ into build", r"AUDIT loop"],
    ids=["in the midst of building", "before the audit"],
)
def test_a_killed_conductor_s_mission_goes_on_with_an_empty_disk(
    pod: Any, socket: Path, mission_file: Path, undisturbed: Any, moment: str
) -> None:
    mission, node = str(uuid.uuid4()), pod.node
    first = pod.conduct(mission, mission_file, "--workspace", socket)
    first.until(moment)
    first.stop(signal.SIGKILL)
    shutil.rmtree(node.home / "work" / "missions" / mission)
    settled = node.settled(mission)
    assert settled
    volume = node.home / f"volume-{mission}"
    again = pod.conduct(mission, mission_file, "--workspace", socket, "--artifact", volume)
    assert again.ended() == 0, again.lines
    assert files(volume / "files") == undisturbed
    assert node.settled(mission)[: len(settled)] == settled
    assert node.repeated(mission) == []


def test_an_evicted_conductor_stops_in_time_and_says_that_it_is_not_finished(
    pod: Any, socket: Path, mission_file: Path
) -> None:
    mission = str(uuid.uuid4())
    part = pod.conduct(mission, mission_file, "--workspace", socket)
    part.until("ask ")
    began = time.monotonic()
    assert part.stop(signal.SIGTERM) == 75, part.lines
    assert time.monotonic() - began < 20  # 5 on a machine that has nothing else to do
    (row,) = pod.node.sql(
        "select state, stop_kind from hekaton.mission_status where id = $1", mission
    )
    assert (row["state"], row["stop_kind"]) == ("stopped", "interrupted")
    assert pod.node.sql("select name from hekaton.paper where mission_id = $1", mission) == []


def test_a_mission_that_was_halted_ends_for_good(
    pod: Any, socket: Path, mission_file: Path
) -> None:
    mission = str(uuid.uuid4())
    part = pod.conduct(mission, mission_file, "--workspace", socket)
    part.until("ask ")
    pod.node.sql("select hekaton.ask_halt($1, 'spec.cancel')", mission)
    assert part.ended() == 3, part.lines
    assert pod.conduct(mission, mission_file, "--workspace", socket).ended() == 3


def test_a_database_that_is_away_is_no_end(pod: Any, mission_file: Path) -> None:
    part = pod.conduct(
        str(uuid.uuid4()), mission_file, HEKATON_DB_HOST="/nonexistent", HEKATON_DB_PATIENCE="2"
    )
    assert part.ended() == 75
    assert re.search("No PostgreSQL answers", "\n".join(part.lines))


def test_bad_input_is_final(pod: Any, mission_file: Path) -> None:
    part = pod.conduct(str(uuid.uuid4()), mission_file, "--permits", pod.node.home / "absent")
    assert part.ended() == 2, part.lines
