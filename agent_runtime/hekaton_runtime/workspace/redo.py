"""Was a write made already, by a process that ended before it could say so?"""

from hekaton_runtime.effects import Write
from hekaton_runtime.workspace.git import Git
from hekaton_runtime.workspace.paths import change_faults


async def is_redo(git: Git, tip: str, effect: Write) -> bool:
    """Whether a branch's tip is this very write upon its parent."""
    said = await git.run("rev-parse", "--verify", "--quiet", f"{tip}^1", check=False)
    if said.code != 0:
        return False
    modes = {entry.path: entry.mode for entry in await git.entries(said.text)}
    if change_faults(effect.files, modes):
        return False
    return await _committed(git, said.text, effect, modes) == tip


async def _committed(git: Git, parent: str, effect: Write, modes: dict[str, str]) -> str:
    """The commit of these files on `parent`, or `parent` where nothing changes."""
    changes = [
        (
            change.path,
            modes.get(change.path, "100644"),
            "" if change.delete else await git.store(change.content.encode()),
        )
        for change in effect.files
    ]
    tree = await git.tree_with(parent, tuple(changes))
    if tree == (await git.run("rev-parse", f"{parent}^{{tree}}")).text:
        return parent
    return await git.commit(tree, (parent,), effect.message)
