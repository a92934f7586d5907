"""The keys of a formation are renewed while a mission runs: it waits, or goes on in another pod, and passes."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(500)  # a dozen processes start, on whatever machine


@pytest.fixture(scope="module")
def socket(workspace: Callable[[], Path]) -> Path:
    return workspace()


@pytest.fixture
def mission() -> str:
    return str(uuid.uuid4())


def test_a_mission_goes_on_in_another_pod_when_all_keys_were_renewed(
    pod: Any, socket: Path, mission_file: Path, mission: str
) -> None:
    node = pod.node
    first = pod.conduct(mission, mission_file, "--workspace", socket)
    first.until(r"merged task/\S+ into build")
    pod.renew()
    for part in (pod.router, *pod.crew):
        part.stop()
    settled = node.settled(mission)
    pod.route()
    pod.staff()
    assert first.ended() == 75, first.lines
    assert "keys of the bus were renewed" in "\n".join(first.lines)
    shutil.rmtree(node.home / "work" / "missions" / mission)
    again = pod.conduct(mission, mission_file, "--workspace", socket)
    assert again.ended() == 0, again.lines
    assert node.settled(mission)[: len(settled)] == settled
    assert node.repeated(mission) == []


@pytest.fixture
def old_keys(pod: Any) -> Iterator[None]:
    """Puts the broker's keys back."""
    before = {file: file.read_bytes() for file in pod.keys.iterdir()}
    yield
    for file, text in before.items():
        file.write_bytes(text)


@pytest.mark.usefixtures("old_keys")
def test_a_mission_goes_on_by_itself_while_its_broker_answers(
    pod: Any, socket: Path, mission_file: Path, mission: str
) -> None:
    """Only the router begins anew: the permits are signed with the new key, and the bus is as it was."""
    part = pod.conduct(mission, mission_file, "--workspace", socket)
    part.until(r"merged task/\S+ into build")
    pod.renew()
    pod.router.stop()
    settled = pod.node.settled(mission)
    pod.route()
    assert part.ended() == 0, part.lines
    assert pod.node.settled(mission)[: len(settled)] == settled
    assert pod.node.repeated(mission) == []
