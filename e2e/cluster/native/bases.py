"""Base images made of Debian packages, since no registry is needed then: Python, and Postgres.

Both are kept as OCI archives in the cache, and in a store of buildah's that is ours alone.
"""

import os
import shutil
from pathlib import Path

from cluster.native import packages
from cluster.places import HERE, alone, cache, digest
from cluster.progress import step
from cluster.shell import run

SUITE = "trixie"
PYTHON = ("ca-certificates", "python3", "python3-venv", "git")
POSTGRES = ("ca-certificates", "postgresql-17", "postgresql-17-pgvector")
POSTGRES_IMAGE = "localhost/hekaton-postgres:e2e"
ENTRY = HERE / "native" / "postgres-entrypoint"
OFFICIAL = "999"
"""User and group of postgres in the official image, which manifests name."""
UNUSED = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
)


def buildah(*words: str) -> str:
    """Run buildah in its own store, without a daemon and without user namespaces."""
    places = ["--root", str(cache() / "buildah"), "--runroot", "/run/hekaton-buildah"]
    places += ["--storage-driver", "overlay"]
    return run(["buildah", *places, *words], env={"BUILDAH_ISOLATION": "chroot"})


def python() -> str:
    """The image that the project's Dockerfile starts from; its name."""
    return _made(f"localhost/hekaton-python:{digest(SUITE, *PYTHON)}", PYTHON, ())


def postgres() -> str:
    """Postgres with pgvector, with the entry point's variables of the official image; its name."""
    name = f"localhost/hekaton-postgres:{digest(SUITE, OFFICIAL, *POSTGRES, ENTRY)}"
    settings = ("--user=postgres", '--entrypoint=["/usr/local/bin/entrypoint"]', "--cmd=postgres",
                "--port=5432", "--env=PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin",
                "--env=PGDATA=/var/lib/postgresql/data", "--env=LANG=C.UTF-8")  # fmt: skip
    _made(name, POSTGRES, settings)
    buildah("tag", name, POSTGRES_IMAGE)
    return POSTGRES_IMAGE


def _made(name: str, wanted: tuple[str, ...], settings: tuple[str, ...]) -> str:
    """The image in buildah's store: there, or from the cache, or made now."""
    packages.need(packages.IMAGE)
    with alone("bases"):
        if buildah("images", "--quiet", "--filter", f"reference={name}").strip():
            return name
        archive = cache() / f"{name.rpartition('/')[2].replace(':', '-')}.oci.tar"
        if not archive.exists():
            _make(name, wanted, settings, archive)
        else:
            with step(f"reading {archive.name}"):
                buildah("pull", "-q", f"oci-archive:{archive}:{name}")
    return name


def _make(name: str, wanted: tuple[str, ...], settings: tuple[str, ...], archive: Path) -> None:
    """Unpack the packages into a folder, and make it the one layer of an image."""
    work = cache() / f"{archive.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    with step(f"making {name} from Debian packages (about a minute)"):
        # Without a mirror it takes Debian's own.
        words = ["--variant=minbase", f"--include={','.join(wanted)}", SUITE, str(work / "root")]
        run(["debootstrap", *words])
        root = work / "root"
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs")
        for path in UNUSED:
            shutil.rmtree(root / path, ignore_errors=True)
        for library in root.glob("usr/lib/*/libLLVM*"):  # compiling queries is not worth 120 MB
            library.unlink()
        for folder in root.glob("usr/lib/postgresql/*/lib/bitcode"):
            shutil.rmtree(folder)
        if settings:
            _as_official(root)
        run(["tar", "-C", root, "-cf", work / "root.tar", "."])
        container = buildah("from", "scratch").strip()
        buildah("add", "-q", container, str(work / "root.tar"), "/")
        if settings:
            buildah("config", *settings, container)
        buildah("commit", "-q", "--rm", container, name)
        buildah("push", "-q", name, f"oci-archive:{work / 'image.tar'}:{name}")
        os.replace(work / "image.tar", archive)
        shutil.rmtree(work)


def _as_official(root: Path) -> None:
    """Give Postgres the user number and the entry point of the official image."""
    shutil.copy(ENTRY, root / "usr/local/bin/entrypoint")
    run(["chroot", str(root), "groupmod", "--gid", OFFICIAL, "postgres"])
    run(["chroot", str(root), "usermod", "--uid", OFFICIAL, "postgres"])
    for path in ("etc/postgresql", "var/lib/postgresql", "var/log/postgresql"):
        run(["chown", "-R", f"{OFFICIAL}:{OFFICIAL}", str(root / path)])
