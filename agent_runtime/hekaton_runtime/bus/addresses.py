"""Addresses of the bus: which may be used at all, and what a peer makes of the broker's."""

import os
from pathlib import Path

from hekaton_runtime.errors import BadInput

_PATH_LIMIT = 107  # bytes, the size of sun_path on Linux less its end


def why_not(address: str, secured: bool) -> tuple[str, ...]:
    """Return every reason not to bind or connect to an address; none means it is fine."""
    scheme, _, rest = address.partition("://")
    if scheme == "tcp":
        if secured:
            return ()
        return (f"Address {address!r} is tcp without CURVE keys; give keys, or use ipc://.",)
    if scheme != "ipc" or not rest.startswith("/"):
        return (f"Address {address!r} is neither tcp://HOST:PORT nor ipc:///ABSOLUTE/PATH.",)
    if len(os.fsencode(rest)) > _PATH_LIMIT:
        return (
            f"Socket path {rest!r} is longer than {_PATH_LIMIT} bytes; choose a shorter folder.",
        )
    return ()


def private_folder(address: str) -> None:
    """Make the folder of an ipc socket, or check that nobody else may enter it."""
    folder = Path(address.removeprefix("ipc://")).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = folder.stat()
    if state.st_uid != os.geteuid() or state.st_mode & 0o077:
        raise BadInput(
            [
                f"Socket folder {str(folder)!r} has owner {state.st_uid} and mode "
                f"{state.st_mode & 0o777:04o}; make it yours alone (chmod 700)."
            ]
        )


def reachable(control: str, address: str) -> str:
    """Put the broker's host, as the peer knows it, in place of a wildcard in a bound address."""
    host = address.rpartition(":")[0] if address.startswith("tcp://") else "tcp://127.0.0.1"
    for wildcard in ("tcp://0.0.0.0:", "tcp://[::]:", "tcp://*:"):
        if control.startswith(wildcard):
            return f"{host}:{control.removeprefix(wildcard)}"
    return control
