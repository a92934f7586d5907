"""A workspace from files or from a repository, also from a hostile one, also after a crash."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from hekaton_runtime.answers import FileChange
from hekaton_runtime.brief import FileText
from hekaton_runtime.effects import Merge, Read, Run, Write
from hekaton_runtime.errors import BadInput
from hekaton_runtime.results import Merged, Rejected
from hekaton_runtime.workspace.prepare import Clone, Inline, Source, Unfetched, prepare
from hekaton_runtime.workspace.repository import GitWorkspace
from hekaton_runtime.workspace.sandbox import LandlockSandbox

WHEN = 1_700_000_000


def _git(folder: Path, *arguments: str) -> str:
    settings = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@localhost",
        "-c",
        "protocol.file.allow=always",
    ]
    command = ["git", "-C", str(folder), *settings, *arguments]
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null"}
    return subprocess.check_output(command, text=True, env=environment).strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "trunk")
    (folder / "a.txt").write_text("one\n")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "first")
    return folder


async def _prepare(root: Path, source: Source) -> GitWorkspace:
    return await prepare(root, source, WHEN, LandlockSandbox())


async def test_a_clone_has_the_origins_history_on_base(origin: Path, tmp_path: Path) -> None:
    workspace = await _prepare(tmp_path / "root", Clone(str(origin)))
    assert await workspace.git.commit_of("base") == _git(origin, "rev-parse", "HEAD")


@pytest.mark.parametrize("kind", ["branch", "tag", "commit"])
async def test_a_clone_takes_the_ref_that_is_named(origin: Path, tmp_path: Path, kind: str) -> None:
    first = _git(origin, "rev-parse", "HEAD")
    _git(origin, "branch", "old")
    _git(origin, "tag", "v1")
    (origin / "b.txt").write_text("two\n")
    _git(origin, "add", ".")
    _git(origin, "commit", "-q", "-m", "second")
    ref = {"branch": "old", "tag": "v1", "commit": first}[kind]
    workspace = await _prepare(tmp_path / "root", Clone(str(origin), ref))
    assert await workspace.git.commit_of("base") == first


async def test_preparing_again_keeps_what_is_there(origin: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    workspace = await _prepare(root, Clone(str(origin)))
    files = (FileChange(path="x", content="y"),)
    await workspace.write(Write(branch="t", base="base", files=files, message="m"))
    (root / "scratch").mkdir(exist_ok=True)
    (root / "scratch" / "left").mkdir()
    (root / "index-left").mkdir()
    again = await _prepare(root, Clone("/gone"))
    assert (await again.read(Read(branch="t"))).tree == ("a.txt", "x")
    assert sorted(path.name for path in root.iterdir()) == ["repo.git"]


async def test_preparing_goes_on_after_a_crash_in_the_middle(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "repo.git").mkdir(parents=True)
    workspace = await _prepare(root, Inline((FileText(path="a", text="b"),)))
    assert (await workspace.read(Read(branch="base"))).tree == ("a",)


async def test_an_empty_workspace_is_fine(tmp_path: Path) -> None:
    workspace = await _prepare(tmp_path, Inline(()))
    assert (await workspace.read(Read(branch="base"))).tree == ()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("/no/such/folder", "neither an existing folder"),
        ("ext::sh -c touch% planted", "neither"),
        ("--upload-pack=touch planted", "neither"),
        ("http://localhost/x", "neither"),
        ("git://localhost/x", "neither"),
        ("file:///tmp", "neither"),
        ("ssh://-oProxyCommand=x/y", "neither"),
        ("", "neither"),
    ],
)
async def test_an_address_that_is_not_allowed_is_refused(
    tmp_path: Path, url: str, why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        await _prepare(tmp_path, Clone(url))


async def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(BadInput, match="holds no git repository"):
        await _prepare(tmp_path / "root", Clone(str(tmp_path / "plain")))


@pytest.mark.parametrize("ref", ["--upload-pack=x", "a..b", "gone", "a b"])
async def test_a_ref_that_is_none_is_refused(origin: Path, tmp_path: Path, ref: str) -> None:
    with pytest.raises(BadInput, match="ref"):
        await _prepare(tmp_path / "root", Clone(str(origin), ref))


async def test_the_password_of_an_address_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        await _prepare(tmp_path, Clone("http://me:hunter2@localhost/x"))
    assert "hunter2" not in str(caught.value)


async def test_inline_files_are_checked_like_any_write(tmp_path: Path) -> None:
    files = (FileText(path="../x", text=""), FileText(path=".git/config", text=""))
    with pytest.raises(BadInput) as caught:
        await _prepare(tmp_path, Inline(files))
    assert len(caught.value.reasons) == 2


def _plant(origin: Path, mark: Path) -> None:
    """Everything in a repository that git might act upon."""
    hook = f"#!/bin/sh\ntouch {mark}\n"
    for name in ("post-checkout", "pre-commit", "post-merge", "reference-transaction", "update"):
        path = origin / ".git" / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(hook)
        path.chmod(0o755)
    (origin / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    (origin / ".gitmodules").write_text(f'[submodule "s"]\n\tpath = s\n\turl = {origin}\n')
    (origin / ".gitconfig").write_text(f"[core]\n\tfsmonitor = touch {mark}\n")
    _git(origin, "add", ".")
    head = _git(origin, "rev-parse", "HEAD")
    _git(origin, "update-index", "--add", "--cacheinfo", f"160000,{head},s")
    (origin / "way").symlink_to("/")
    _git(origin, "add", "way")
    _git(origin, "commit", "-q", "--no-verify", "-m", "plant")
    for kind in (
        "filter.evil.smudge",
        "filter.evil.clean",
        "diff.evil.textconv",
        "merge.evil.driver",
    ):
        _git(origin, "config", kind, f"touch {mark}; cat")
    _git(origin, "config", "core.fsmonitor", f"touch {mark}")
    _git(origin, "config", "core.sshCommand", f"touch {mark}")


async def test_nothing_planted_in_a_repository_is_acted_upon(origin: Path, tmp_path: Path) -> None:
    mark = tmp_path / "planted"
    _plant(origin, mark)
    mark.unlink(missing_ok=True)
    workspace = await _prepare(tmp_path / "root", Clone(str(origin)))
    files = (FileChange(path="a.txt", content="new\n"),)
    await workspace.write(Write(branch="t", base="base", files=files, message="m"))
    ran = await workspace.run(Run(branch="t", commands=("cat a.txt",), seconds=20))
    merged = await workspace.merge(Merge(source="t", into="main", commands=("true",)))
    assert ran.output == "new"
    assert isinstance(merged, Merged)
    assert not mark.exists()


async def test_a_repository_that_attacks_git_itself_is_refused(
    origin: Path, tmp_path: Path
) -> None:
    (origin / ".gitmodules").write_text('[submodule "s"]\n\tpath = s\n\tupdate = !touch planted\n')
    _git(origin, "add", ".")
    _git(origin, "commit", "-q", "-m", "plant")
    with pytest.raises(BadInput, match="disallowed submodule"):
        await _prepare(tmp_path / "root", Clone(str(origin)))


async def test_links_and_submodules_are_neither_followed_nor_written_through(
    origin: Path, tmp_path: Path
) -> None:
    _plant(origin, tmp_path / "planted")
    workspace = await _prepare(tmp_path / "root", Clone(str(origin)))
    files = await workspace.read(Read(branch="base"))
    assert {"way", "s"} <= set(files.tree)
    assert not {"way", "s"} & {file.path for file in files.files}
    changes = (FileChange(path="way/etc/x"), FileChange(path="s/x"))
    result = await workspace.write(Write(branch="t", base="base", files=changes, message="m"))
    assert isinstance(result, Rejected)
    assert len(result.findings) == 2


async def test_hidden_files_are_not_written_through_a_link(origin: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (origin / "tests").symlink_to(outside)
    _git(origin, "add", "tests")
    _git(origin, "commit", "-q", "-m", "link")
    workspace = await prepare(
        tmp_path / "root",
        Clone(str(origin)),
        WHEN,
        LandlockSandbox(),
        hidden=(FileText(path="tests/x", text="secret"),),
    )
    run = Run(branch="base", commands=("grep -q secret tests/x",), seconds=20, acceptance=True)
    assert (await workspace.run(run)).passed
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("ref", ["", "HEAD"])
async def test_a_repository_without_a_commit_is_refused_with_what_it_lacks(
    tmp_path: Path, ref: str
) -> None:
    (tmp_path / "empty").mkdir()
    _git(tmp_path / "empty", "init", "-q")
    with pytest.raises(BadInput, match="has no commit yet"):
        await _prepare(tmp_path / "root", Clone(str(tmp_path / "empty"), ref))


@pytest.mark.parametrize("scheme", ["https://", "ssh://git@"])
async def test_a_server_that_is_away_is_told_by_the_reason_alone(
    tmp_path: Path, scheme: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"{scheme}127.0.0.1:{free.getsockname()[1]}/x.git"
        with pytest.raises(Unfetched) as caught:
            await _prepare(tmp_path / "root", Clone(url))
    said = str(caught.value)
    assert "\n" not in said
    assert "fatal" not in said
    assert "onnect" in said
    assert said.endswith("Check spec.workspace.git.url, the key that it needs, and the network.")
