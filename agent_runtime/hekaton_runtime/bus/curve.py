"""Key pairs of the bus: made, kept in files only their owner can read, and named.

A key pair NAME is two files in one folder: NAME.key (secret, mode 0600) and NAME.pub. A broker is
given the folder of the public keys it admits; the file's name becomes the peer's name in its log.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from hekaton_runtime.bus.keys import Admitted, KeyPair
from hekaton_runtime.bus.sockets import new_curve_pair, public_of
from hekaton_runtime.errors import BadInput

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_Z85 = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")


def generate(name: str) -> KeyPair:
    """Make a new pair."""
    _check_name(name)
    public, secret = new_curve_pair()
    return KeyPair(name, public, secret)


def refuse_names(names: Sequence[str], folder: Path) -> None:
    """Raises `BadInput` with every name that no new pair can be saved under."""
    reasons = []
    for name in names:
        if not _NAME.fullmatch(name):
            reasons.append(_no_name(name))
            continue
        files = (folder / f"{name}.key", folder / f"{name}.pub")
        there = [f"Key file {str(f)!r} exists; remove it first." for f in files if f.exists()]
        reasons += there[:1]
    if reasons:
        raise BadInput(reasons)


def save(pair: KeyPair, folder: Path) -> None:
    """Write NAME.key and NAME.pub; raises `BadInput` rather than replace a key."""
    _check_name(pair.name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, text, mode in (
        (folder / f"{pair.name}.key", pair.secret, 0o600),
        (folder / f"{pair.name}.pub", pair.public, 0o644),
    ):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError as fault:
            raise BadInput([f"Key file {str(path)!r} exists; remove it first."]) from fault
        with os.fdopen(handle, "w") as file:
            file.write(text + "\n")


def load(name: str, folder: Path) -> KeyPair:
    """Read a pair; raises `BadInput` when others can read the secret or the file is no key."""
    path = folder / f"{name}.key"
    secret = _read(path)
    if not is_private(path.stat(), os.geteuid(), (os.getegid(), *os.getgroups())):
        mode = path.stat().st_mode & 0o777
        raise BadInput([f"Key file {str(path)!r} has mode {mode:04o}; run chmod 600 on it."])
    return KeyPair(name, public_of(secret), secret)


def is_private(state: os.stat_result, uid: int, groups: tuple[int, ...]) -> bool:
    """May only its owner read it; or, for others than root, root and a group of ours.

    So it is with a Secret that is mounted into a pod.
    """
    if not state.st_mode & 0o077:
        return True
    mounted = uid != 0 and state.st_uid == 0 and state.st_gid in groups
    return mounted and not state.st_mode & 0o037


def load_public(name: str, folder: Path) -> str:
    """Read the public key of a name."""
    return _read(folder / f"{name}.pub")


def load_admitted(folder: Path) -> tuple[Admitted, ...]:
    """Read every public key of a folder, in order of name."""
    return tuple(Admitted(p.stem, _read(p)) for p in sorted(folder.glob("*.pub")))


def _read(path: Path) -> str:
    try:
        text = path.read_text("utf-8").strip()
    except OSError as fault:
        raise BadInput([f"Key file {str(path)!r} cannot be read: {fault.strerror}."]) from fault
    except UnicodeDecodeError:
        text = ""
    if not _Z85.fullmatch(text):
        # The text itself may be a secret: it stays out of the message.
        raise BadInput([f"Key file {str(path)!r} does not hold a key of 40 Z85 characters."])
    return text


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadInput([_no_name(name)])


def _no_name(name: str) -> str:
    return (
        f"Key name {name!r} must have 1-63 letters, digits, '.', '_' or '-', and begin "
        "with a letter or digit."
    )
