"""The images are built here without a daemon, and each holds what it should and no more."""

import json
from collections.abc import Callable
from functools import cache

import pytest
from cluster.native import bases, images, packages
from cluster.places import ROOT

IMAGES = ("operator", "runtime", "engines")
LIMITS = {"operator": 450 * 2**20, "runtime": 800 * 2**20}
"""Bytes, of which the Debian base is about 330 MB. The runtime carries LiteLLM, the Kubernetes
client and the tools of the review gate."""
IMPORT_ALL = """
import importlib, pkgutil, sys
whole = importlib.import_module(sys.argv[1])
for each in pkgutil.walk_packages(whole.__path__, whole.__name__ + "."):
    if not {"__main__", "embedded", "kube"} & set(each.name.split(".")):
        try:
            importlib.import_module(each.name)
        except ModuleNotFoundError as error:
            print(each.name, error)
"""
"""Prints what is missing; the embedded database and `kube` are for people's own machines."""
SHELL = "command -v {name} || echo none"


@pytest.fixture(scope="session")
def build() -> Callable[[str], str]:
    """Builds a target once; vLLM itself is left out, since it is gigabytes."""
    packages.need(packages.IMAGE)
    base = bases.python()

    @cache
    def built(target: str) -> str:
        name = f"localhost/hekaton-{target}:images"
        words = ["--layers", "--network", "host", "--build-arg", f"BASE_IMAGE={base}"]
        images.made(ROOT, name, *words, "--build-arg", "VLLM=none", "--target", target)
        return name

    return built


def said(image: str, *command: str) -> str:
    """What the command prints inside the image, as the image's own user."""
    container = bases.buildah("from", image).strip()
    try:
        return bases.buildah("run", container, "--", *command).strip()
    finally:
        bases.buildah("rm", container)


@pytest.mark.parametrize("target", IMAGES)
def test_processes_are_nobody_special(build: Callable[[str], str], target: str) -> None:
    image = build(target)
    assert said(image, "id", "-u") == "65532"
    config = json.loads(bases.buildah("inspect", "--type", "image", image))["OCIv1"]["config"]
    assert config["User"] == "65532:65532"
    assert config["Labels"]["org.opencontainers.image.title"] == "hekaton"


@pytest.mark.parametrize("target", ["operator", "runtime"])
def test_an_image_is_small_and_has_no_tool_to_build_with(
    build: Callable[[str], str], target: str
) -> None:
    image = build(target)
    size = bases.buildah("images", "--format", "{{.Size}}", "--json", image)
    assert _bytes(json.loads(size)[0]["size"]) < LIMITS[target]
    for name in ("gcc", "cc", "pip", "uv"):
        assert said(image, "sh", "-c", SHELL.format(name=name)) == "none"


def _bytes(text: str) -> float:
    """What buildah calls `379 MB`."""
    number, unit = text.split()
    return float(number) * {"KB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def test_the_runtime_has_its_command_git_and_python(build: Callable[[str], str]) -> None:
    image = build("runtime")
    assert "Usage: hekaton" in said(image, "hekaton", "--help")
    assert said(image, "git", "--version").startswith("git version")
    assert said(image, "python", "-c", "import sys; print(sys.flags.safe_path)") == "True"


@pytest.mark.parametrize(
    ("target", "package"), [("operator", "hekaton_operator"), ("runtime", "hekaton_runtime")]
)
def test_every_module_finds_what_it_imports(
    build: Callable[[str], str], target: str, package: str
) -> None:
    assert said(build(target), "python", "-c", IMPORT_ALL, package) == ""


def test_engines_can_compile_a_launcher(build: Callable[[str], str]) -> None:
    code = "import os, sysconfig as s; print(os.path.exists(s.get_path('include') + '/Python.h'))"
    image = build("engines")
    assert said(image, "python3", "-c", code) == "True"
    assert said(image, "sh", "-c", SHELL.format(name="gcc")).endswith("gcc")
