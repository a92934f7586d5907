"""From files and names on the command line to one mission and its formation."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from hekaton_api.formation import Formation
from hekaton_api.load import check, load
from hekaton_api.mission import Mission, Mode
from hekaton_api.overlay import overlaid
from hekaton_runtime.errors import BadInput


def builtin() -> Path:
    """The folder of formations that come along: in the wheel, or in a checkout."""
    package = Path(__file__).resolve().parent.parent
    packed = package / "formations"
    return packed if packed.is_dir() else package.parent.parent / "manifests" / "formations"


def shipped_missions() -> Path:
    """The folder of missions that come along, each with its answer book beside it."""
    package = Path(__file__).resolve().parent.parent
    packed = package / "missions"
    return packed if packed.is_dir() else package.parent.parent / "manifests" / "missions"


def read(paths: list[Path]) -> tuple[Formation | Mission, ...]:
    """Everything in the files; raises `BadInput` or `hekaton_api.errors.Invalid`."""
    documents: list[Formation | Mission] = []
    reasons = []
    for path in paths:
        try:
            documents += load(path)
        except OSError as fault:
            reasons.append(f"{path}: {fault.strerror or fault}. Give the path of a YAML file.")
    if reasons:
        raise BadInput(reasons)
    return tuple(documents)


def formation_named(name: str) -> Formation:
    """One that comes along, by name; or a file."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        found = [document for document in read([path]) if isinstance(document, Formation)]
        if not found:
            raise BadInput([f"--formation: {name!r} holds no Formation."])
        return found[0]
    known = sorted(path.stem for path in builtin().glob("*.yaml"))
    if name not in known:
        raise BadInput([f"formation {name!r} is neither a file nor one of: {', '.join(known)}."])
    return formation_named(str(builtin() / f"{name}.yaml"))


def one_mission(
    paths: list[Path], formation: str, mode: str, changes: Sequence[str] = ()
) -> tuple[Mission, Formation]:
    """The single mission in the files, and its formation: from the files, `--formation`, or shipped,
    with the changes of `--set`."""
    documents = read(paths)
    missions = [document for document in documents if isinstance(document, Mission)]
    if len(missions) != 1:
        raise BadInput(
            [f"{', '.join(map(str, paths))}: {len(missions)} missions; `run` takes exactly one."]
        )
    mission = missions[0]
    if mode:
        if mode not in (known := get_args(Mode)):
            raise BadInput([f"--mode: {mode!r} is no mode; known: {', '.join(known)}."])
        spec = mission.spec.model_copy(update={"mode": mode})
        mission = mission.model_copy(update={"spec": spec})
    given = [document for document in documents if isinstance(document, Formation)]
    if formation:
        chosen = formation_named(formation)
        spec = mission.spec.model_copy(update={"formation": chosen.metadata.name})
        mission = mission.model_copy(update={"spec": spec})
    else:
        named = [one for one in given if one.metadata.name == mission.spec.formation]
        chosen = named[0] if named else formation_named(mission.spec.formation)
    chosen = overlaid(chosen, changes)
    if faults := check(mission, (chosen,)):
        raise BadInput([str(fault) for fault in faults])
    return mission, chosen
