"""Push a mission's result to the repository that it came from; never over what others pushed."""

from dataclasses import dataclass, field
from pathlib import Path

from hekaton_runtime.workspace.credentials import access, without
from hekaton_runtime.workspace.git import Git
from hekaton_runtime.workspace.prepare import USERINFO, protocol_of


@dataclass(frozen=True, slots=True)
class Goal:
    """A branch of a repository elsewhere."""

    url: str
    branch: str
    key: str = field(default="", repr=False)


async def push(git: Git, commit: str, goal: Goal) -> str:
    """Push a commit; again is no harm. Returns why it could not be done, empty when it was."""
    protocol, shown = protocol_of(goal.url), USERINFO.sub("", goal.url)
    if not protocol:
        return f"{shown!r} is neither an existing folder nor https:// nor ssh"
    address = str(Path(goal.url).expanduser().resolve()) if protocol == "file" else goal.url
    with access(goal.url, protocol, goal.key) as environ:
        said = await git.run(
            *("push", "--quiet", "--porcelain", "--no-verify", "--recurse-submodules=no"),
            *("--", address, f"{commit}:refs/heads/{goal.branch}"),
            settings=(f"protocol.{protocol}.allow=always", "safe.directory=*"),
            extra=environ,
            check=False,
        )
    if said.code == 0:
        return ""
    words = without(goal.key, USERINFO.sub("", f"{said.text} {said.err}"))
    if "non-fast-forward" in words or "fetch first" in words:
        return (
            f"branch {goal.branch!r} of {shown!r} has commits that the result lacks; name another"
            " branch in spec.artifact.git"
        )
    return f"{shown!r} did not take branch {goal.branch!r}: {' '.join(words.split())[:500]}"
