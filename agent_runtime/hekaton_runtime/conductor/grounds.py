"""What a conductor finds where it runs, beside the mission's own documents: nothing of it is stored."""

from dataclasses import dataclass, field
from pathlib import Path

from hekaton_runtime.workspace.protocol import Sandbox

GIT_KEY = "HEKATON_KEY_GIT"
"""Variable that holds the key or token of workspace.git."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """A laptop has none of it."""

    sandbox: Sandbox | None = None
    """Where commands run; None: in processes of the conductor's own machine."""
    source: Path | None = None
    """Where the folder of workspace.pvc is mounted."""
    artifact: Path | None = None
    """Where the folder of artifact.pvc is mounted."""
    git_key: str = field(default="", repr=False)
    """For workspace.git, to fetch from it and to push to it."""
    kept: bool = False
    """The machine may be lost, so branches and papers are kept in the database too."""
