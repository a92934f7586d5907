"""What a refusal of the file system means for a mission: one sentence with the folder and the remedy.

A full disk is the machine's trouble and not the mission's: it stops, and goes on when there is room.
"""

import errno
import os
import re
from pathlib import Path

LEAST = 1 << 20  # bytes: a disk with less left is full, whatever failed on it
# As git (LC_ALL=C) and PostgreSQL end a line in which they report one.
REFUSALS = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS))
REPORTED = re.compile(rf": (?:{'|'.join(REFUSALS)})\.?$", re.MULTILINE)


def told(fault: OSError, folder: Path | str) -> str:
    """Say where it was refused, why, and what helps; `folder` is where the fault itself does not say."""
    return refused(fault.filename or folder, fault.strerror or str(fault))


def refused(place: Path | str, why: str) -> str:
    return (
        f"{str(place)!r} cannot be written: {why}. Make room or rights there; nothing finished is lost,"
        " and `hekaton resume` goes on."
    )


def reported(said: str) -> str:
    """The refusal that a program's error output reports; empty where it reports none."""
    found = REPORTED.search(said)
    return found[0].strip(": .") if found else ""


def is_full(folder: Path, least: int = LEAST) -> bool:
    """Is there so little room left that whatever failed there may have failed for that alone?

    `least`: bytes with less of which it counts as full.
    """
    seen = os.statvfs(folder)
    return seen.f_bavail * seen.f_frsize < least


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there as a whole or not at all; raises OSError naming it."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as fault:
        part.unlink(missing_ok=True)
        raise OSError(fault.errno, fault.strerror, str(path)) from fault
