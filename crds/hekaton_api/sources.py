"""Where a mission's code comes from and where its result goes: inline files, git, or a volume."""

from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, Field

from hekaton_api.cel import Cel, Distinct
from hekaton_api.fields import LIST, Branch, Name, Part
from hekaton_api.models import Credentials
from hekaton_api.nul import NoNul
from hekaton_api.problems import Problem, refuse
from hekaton_api.words import listed

GIT = (
    r"^(https?://[^\s@?#]+|ssh://[^\s:?#-][^\s:?#]*(:[0-9]+)?/[^\s?#]+"
    r"|[A-Za-z0-9_][A-Za-z0-9._-]*@[^\s:/-][^\s:/]*:[^\s]+|/[^\s]+)$"
)
"""https, ssh, the short form of ssh, or an absolute folder; never with a password."""
INLINE_BYTES = 524_288
"""Most bytes of one list of inline files: an object in the cluster stays below about 1 MiB."""


def _path_faults(path: str) -> Iterator[Problem]:
    parts = path.split("/")
    remedy = "Give a path relative to the root of the workspace, e.g. src/main.py."
    if path.startswith("/"):
        yield Problem((), "is not relative", remedy)
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        yield Problem((), "holds a NUL or another control character", remedy)
    if ".." in parts:
        yield Problem((), "leaves the workspace by '..'", remedy)
    if any(part in ("", ".") for part in parts[path.startswith("/") :]):
        yield Problem((), "has an empty or '.' component", remedy)
    if any(part.lower() == ".git" for part in parts):
        yield Problem(
            (), "reaches into .git", "Git's own files are made by Hekaton; leave them out."
        )


def _path(path: str) -> str:
    refuse(_path_faults(path))
    return path


INSIDE = Cel(
    r"!self.matches(r'(^|/)[.]{0,2}(/|$)')",
    "is not a path within the workspace. Give one without a leading '/', and without empty, '.' "
    "and '..' components, e.g. src/main.py.",
)
PRINTED = Cel(
    r"!self.matches(r'[\x00-\x1f\x7f]')",
    "holds a NUL or another control character. Give a path such as src/main.py.",
)
NOT_GIT = Cel(
    r"!self.matches(r'(^|/)[.][gG][iI][tT](/|$)')",
    "reaches into .git. Git's own files are made by Hekaton; leave them out.",
)
FilePath: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    AfterValidator(_path),
    INSIDE,
    PRINTED,
    NOT_GIT,
]


class File(Part):
    """One text file."""

    path: FilePath
    """Path relative to the root of the workspace. Required."""
    content: Annotated[str, Field(max_length=262_144), NoNul()]
    """The whole text, at most 262144 characters. Required."""


NO_FOLDER = Cel(
    "self.all(file, !self.exists(other, other.path.startsWith(file.path + '/')))",
    "has a path that is a file here and a folder elsewhere. Rename one of the two.",
)
NOT_MUCH = Cel(
    f"self.map(file, size(bytes(file.content))).sum() <= {INLINE_BYTES}",
    f"hold more than {INLINE_BYTES} bytes. Put them into a git repository and give workspace.git.",
)
Files: TypeAlias = Annotated[
    tuple[File, ...], Field(max_length=LIST), Distinct("path"), NO_FOLDER, NOT_MUCH
]


def clashes(field: str, files: tuple[File, ...]) -> Iterator[Problem]:
    """No path twice, none that is a folder of another, and not too much in all."""
    paths = [file.path for file in files]
    folders = {path[:i] for path in paths for i, letter in enumerate(path) if letter == "/"}
    for i, path in enumerate(paths):
        at = (field, i, "path")
        if path in paths[:i]:
            yield Problem(
                at, "is given twice", f"Keep one; {field}[{paths.index(path)}] has it too."
            )
        if path in folders:
            yield Problem(at, "is a file here and a folder elsewhere", "Rename one of the two.")
    size = sum(len(file.content.encode(errors="replace")) for file in files)
    if size > INLINE_BYTES:
        remedy = "Put them into a git repository and give workspace.git."
        yield Problem((field,), f"hold {size} bytes, more than {INLINE_BYTES}", remedy)


class Git(Part):
    """A git repository to start from."""

    url: Annotated[str, Field(pattern=GIT, max_length=2048), NoNul()]
    """Address of the repository, without a password: https, ssh or an absolute folder. Required."""
    ref: Branch = "HEAD"
    """Branch, tag or commit to start from. Default HEAD."""
    credentials: Credentials | None = None
    """Where the key or token is found. Absent means none is used."""


class Pvc(Part):
    """A folder on a PersistentVolumeClaim."""

    claim_name: Name
    """Name of the claim in the mission's namespace. Required."""
    path: FilePath | None = None
    """Folder within the volume. Absent means its root."""


class Workspace(Part):
    """Where the code comes from: exactly one of files, git and pvc."""

    files: Files | None = None
    """Inline text files, at most 64; an empty list starts from nothing. Default absent."""
    git: Git | None = None
    """A git repository. Default absent."""
    pvc: Pvc | None = None
    """A folder on a volume. Default absent."""
    CEL: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "[has(self.files), has(self.git), has(self.pvc)].filter(given, given).size() == 1",
            "gives none or several of files, git and pvc. "
            "Keep exactly one; 'files: []' starts from nothing.",
        ),
    )

    def breaches(self) -> Iterable[Problem]:
        given = [name for name in ("files", "git", "pvc") if getattr(self, name) is not None]
        yield from clashes("files", self.files or ())
        if len(given) != 1:
            remedy = "Keep exactly one of files, git and pvc; 'files: []' starts from nothing."
            yield Problem((), f"gives {listed(given)} of files, git and pvc", remedy)


class PushTo(Part):
    """A branch of the repository the mission came from."""

    branch: Branch
    """Branch to push the result to. Required."""


class Artifact(Part):
    """Where the result goes: exactly one of pvc and git."""

    pvc: Pvc | None = None
    """A folder on a volume. Default absent."""
    git: PushTo | None = None
    """A branch to push. Default absent."""
    CEL: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "has(self.pvc) != has(self.git)",
            "needs exactly one of pvc and git. "
            "Keep one, or remove artifact to leave the result in the workspace.",
        ),
    )

    def breaches(self) -> Iterable[Problem]:
        if (self.pvc is None) == (self.git is None):
            remedy = "Keep one, or remove artifact to leave the result in the workspace."
            yield Problem((), "needs exactly one of pvc and git", remedy)
