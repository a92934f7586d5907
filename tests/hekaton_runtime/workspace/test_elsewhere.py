"""Code that comes from a folder or a server, and goes back to one, with keys that stay secret."""

import base64
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hekaton_runtime.errors import BadInput, HekatonError
from hekaton_runtime.web.serving import serving
from hekaton_runtime.workspace.credentials import access, without
from hekaton_runtime.workspace.prepare import Clone, Folder, prepare
from hekaton_runtime.workspace.pushing import Goal, push
from hekaton_runtime.workspace.repository import BASE, GitWorkspace
from hekaton_runtime.workspace.sandbox import LandlockSandbox

WHEN = 1_700_000_000


def git(folder: Path, *words: str) -> str:
    said = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "safe.directory=*", *words],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return said.stdout.strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A bare repository with one commit on main."""
    work, bare = tmp_path / "work", tmp_path / "origin.git"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=main")
    (work / "file").write_text("first\n")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "first")
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    return bare


async def opened(root: Path, source: Clone | Folder) -> GitWorkspace:
    return await prepare(root, source, WHEN, LandlockSandbox())


async def tree(workspace: GitWorkspace) -> dict[str, str]:
    entries = await workspace.git.entries(await workspace.git.commit_of(BASE))
    blobs = await workspace.git.blobs(tuple(entry.blob for entry in entries))
    return {e.path: blob.decode() for e, blob in zip(entries, blobs, strict=True)}


async def test_a_plain_folder_is_taken_as_it_stands_less_what_it_ignores(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    for name, text in ((".gitignore", "junk\n"), ("deep/file", "text"), ("junk", "left out")):
        (source / name).write_text(text)
    workspace = await opened(tmp_path / "w", Folder(source))
    assert await tree(workspace) == {".gitignore": "junk\n", "deep/file": "text"}
    assert not (source / ".git").exists()


async def test_the_same_folder_gives_the_same_commit(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("text")
    commits = [
        await (await opened(tmp_path / name, Folder(source))).git.commit_of(BASE)
        for name in ("one", "two")
    ]
    assert commits[0] == commits[1] != ""


async def test_a_folder_s_own_git_settings_run_nothing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / ".gitattributes").write_text("* filter=evil\n")
    (source / "file").write_text("text")
    workspace = await opened(tmp_path / "w", Folder(source))
    assert (await tree(workspace))["file"] == "text"


async def test_a_folder_that_is_a_repository_gives_what_was_committed(
    tmp_path: Path, origin: Path
) -> None:
    (tmp_path / "work" / "uncommitted").write_text("no")
    assert await tree(await opened(tmp_path / "w", Folder(tmp_path / "work"))) == {
        "file": "first\n"
    }


async def test_an_absent_folder_of_a_volume_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"spec\.workspace\.pvc"):
        await opened(tmp_path / "w", Folder(tmp_path / "absent"))


async def test_a_result_is_pushed_to_a_branch_and_again_without_harm(
    tmp_path: Path, origin: Path
) -> None:
    workspace = await opened(tmp_path / "w", Clone(str(origin)))
    commit = await workspace.git.commit_of(BASE)
    for _ in range(2):
        assert await push(workspace.git, commit, Goal(str(origin), "hekaton/result")) == ""
    assert git(origin, "rev-parse", "hekaton/result") == commit


async def test_what_others_pushed_is_never_overwritten(tmp_path: Path, origin: Path) -> None:
    workspace = await opened(tmp_path / "w", Clone(str(origin)))
    commit = await workspace.git.commit_of(BASE)
    work = tmp_path / "work"
    (work / "file").write_text("second\n")
    git(work, "commit", "--quiet", "-am", "second")
    git(work, "push", "--quiet", str(origin), "main:main")
    other = await workspace.git.commit((await workspace.git.run("rev-parse", f"{commit}^{{tree}}")).text, (commit,), "ours")  # fmt: skip
    why = await push(workspace.git, other, Goal(str(origin), "main"))
    assert "has commits that the result lacks" in why
    assert git(origin, "rev-parse", "main") == git(work, "rev-parse", "HEAD")


async def test_a_place_that_is_no_repository_is_told_in_one_line(
    tmp_path: Path, origin: Path
) -> None:
    workspace = await opened(tmp_path / "w", Clone(str(origin)))
    commit = await workspace.git.commit_of(BASE)
    why = await push(workspace.git, commit, Goal(str(tmp_path), "main"))
    assert "did not take branch 'main'" in why
    assert "\n" not in why


@asynccontextmanager
async def server(seen: list[tuple[str, str]]) -> AsyncIterator[str]:
    async def answer(request: Request) -> Response:
        seen.append((request.url.path, request.headers.get("authorization", "")))
        return PlainTextResponse("no", 403)

    async with serving(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        yield url


async def test_a_token_goes_to_its_own_server_as_a_header_and_nowhere_else(
    tmp_path: Path, origin: Path
) -> None:
    workspace = await opened(tmp_path / "w", Clone(str(origin)))
    seen: list[tuple[str, str]] = []
    async with server(seen) as mine, server(seen) as other:
        for url in (mine, other):
            with access(f"{mine}/r.git", "https", "secret-token") as environ:
                await workspace.git.run(
                    "ls-remote", f"{url}/r.git", settings=("protocol.http.allow=always",),
                    extra=environ, check=False,
                )  # fmt: skip
    basic = base64.b64encode(b"x-access-token:secret-token").decode()
    assert [header for _, header in seen] == [f"Basic {basic}", ""]


def test_an_ssh_key_is_a_private_file_for_as_long_as_git_runs() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"
    with access("git@host:repo", "ssh", key) as environ:
        file = Path(environ["GIT_SSH_COMMAND"].split("IdentityFile=")[1].split()[0])
        assert (file.read_text(), file.stat().st_mode & 0o777) == (key + "\n", 0o600)
    assert not file.exists()


def test_a_key_is_taken_out_of_what_a_server_says() -> None:
    basic = base64.b64encode(b"x-access-token:secret").decode()
    assert without("secret", f"no: secret, {basic}") == "no: ***, ***"


async def test_a_server_that_refuses_is_told_without_the_key(tmp_path: Path) -> None:
    with pytest.raises(HekatonError) as fault:
        await opened(tmp_path / "w", Clone("https://127.0.0.1:1/r.git", "", "secret-token"))
    assert "secret-token" not in str(fault.value)
