"""Formations that can never work: `plan` and `run` refuse them with all reasons, a remedy and exit code 2."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Hekaton = Callable[..., "subprocess.CompletedProcess[str]"]
HEAD = """\
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {name: wrong}
spec:
  hardware: {profile: gh200-96}
"""
QWEN = "Qwen/Qwen2.5-7B-Instruct"
LATENT = "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct"
LARGE = "Qwen/Qwen2.5-32B-Instruct"


def model(name: str, served: str, **fields: object) -> str:
    more = "".join(f", {field}: {value}" for field, value in fields.items())
    return f"    - {{name: {name}, engine: vllm, model: {served}{more}}}\n"


def team(*models: str, sapper: str = "a", auditor: str = "a") -> str:
    roles = f"    - {{name: sapper, role: sapper, model: {sapper}}}\n"
    roles += f"    - {{name: auditor, role: auditor, model: {auditor}}}\n"
    return f"{HEAD}  models:\n{''.join(models)}  roles:\n{roles}"


WRONG = {
    "roles without models": (
        team(model("a", QWEN), sapper="aa", auditor="none"),
        ("spec.roles[0].model: 'aa'", "Did you mean 'a'?", "spec.roles[1].model: 'none'"),
    ),
    "two engines beyond memory": (
        team(model("a", LARGE), model("b", LARGE), auditor="b"),
        ("GB are needed and 100.5 GB are there", "as 'a'", "as 'b'"),
    ),
    "context beyond the model's": (
        team(model("a", QWEN, contextLength=100_000)),
        ("models[a].contextLength: 100000 is beyond the 32768 tokens", "Give at most 32768"),
    ),
    "unknown KV dtype": (
        team(model("a", QWEN, kvCacheDtype="turboquant_4bit")),
        ("models[a].kvCacheDtype: 'turboquant_4bit'", "turboquant_4bit_nc"),
    ),
    "latent attention with TurboQuant": (
        team(model("a", LATENT, kvCacheDtype="turboquant_4bit_nc")),
        ("models[a].kvCacheDtype: 'turboquant_4bit_nc' cannot be used", "(MLA)", "Use 'fp8'"),
    ),
    "wrong in every stage": (
        team(model("a", QWEN, contextLength=100_000), model("b", LATENT, kvCacheDtype="tq5x"))
        .replace("role: sapper", "role: saper")
        .replace("role: auditor, model: a", "role: auditor, model: none"),
        (
            "spec.roles[0].role: 'saper'",
            "spec.roles[1].model: 'none' is not the name of a model",
            "spec.models[0].contextLength: 100000 is beyond the 32768 tokens",
            "spec.models[1].kvCacheDtype: 'tq5x' cannot be used",
        ),
    ),
    "all of it": (
        team(
            model("a", QWEN, contextLength=100_000, kvCacheDtype="turbo"),
            model("b", LATENT, kvCacheDtype="tq5x"),
            model("c", LARGE, maxSequences=64),
            auditor="b",
        ),
        (
            "models[a].contextLength: 100000",
            "models[a].kvCacheDtype: 'turbo'",
            "models[b].kvCacheDtype: 'tq5x'",
            "GB too much",
        ),
    ),
}


@pytest.fixture(params=WRONG.values(), ids=list(WRONG))
def wrong(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, tuple[str, ...]]:
    """A formation's file, and what must be said of it."""
    text, said = request.param
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    return path, said


def test_plan_refuses_it_with_all_reasons_and_a_remedy(
    hekaton: Hekaton, wrong: tuple[Path, tuple[str, ...]]
) -> None:
    path, said = wrong
    done = hekaton("plan", path)
    assert done.returncode == 2
    assert [each for each in said if each not in done.stdout + done.stderr] == []
    assert "Traceback" not in done.stderr


def test_run_refuses_it_in_the_same_words_before_anything_begins(
    hekaton: Hekaton, wrong: tuple[Path, tuple[str, ...]], missions: Path, home: Path
) -> None:
    path, said = wrong
    before = set(home.glob("missions/*"))
    done = hekaton("run", missions / "extend-tally.yaml", "--formation", path, "--simulate")
    assert done.returncode == 2
    assert [each for each in said if each not in done.stderr] == []
    assert "Traceback" not in done.stderr
    assert set(home.glob("missions/*")) == before


def test_an_endpoint_for_all_models_makes_memory_nobody_s_business(
    hekaton: Hekaton, missions: Path, tmp_path: Path
) -> None:
    path = tmp_path / "large.yaml"
    path.write_text(team(model("a", LARGE, maxSequences=64)))
    words = ("run", missions / "extend-tally.yaml", "--formation", path)
    done = hekaton(*words, "--base-url", "http://127.0.0.1:1/v1")
    assert "GB are needed" not in done.stderr
    assert "127.0.0.1:1" in done.stderr


def test_validate_says_what_plan_would_refuse(hekaton: Hekaton, tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(team(model("a", QWEN, contextLength=100_000)))
    done = hekaton("validate", path)
    assert done.returncode == 0  # another server may well hold it: `run --base-url`
    valid, unfit = done.stdout.splitlines()
    assert valid == "Formation wrong: valid"
    assert unfit.startswith(
        f"`hekaton plan` refuses: {path}:7: spec.models[0].contextLength: 100000"
    )


def test_a_wrong_formation_that_others_serve_is_not_planned(
    hekaton: Hekaton, missions: Path, tmp_path: Path
) -> None:
    path = tmp_path / "large.yaml"
    path.write_text(team(model("a", LARGE, maxSequences=64), sapper="none"))
    words = ("run", missions / "extend-tally.yaml", "--formation", path)
    done = hekaton(*words, "--base-url", "http://127.0.0.1:1/v1")
    assert done.returncode == 2
    assert "spec.roles[0].model: 'none'" in done.stderr
    assert "GB are needed" not in done.stderr
