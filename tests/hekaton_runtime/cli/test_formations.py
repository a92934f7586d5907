"""Every shipped formation finishes a mission, and one is changed without being copied."""

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hekaton_api.formation import FormationSpec
from hekaton_runtime.cli.documents import builtin, formation_named

Hekaton = Callable[..., "subprocess.CompletedProcess[str]"]
SHIPPED = sorted(path.stem for path in builtin().glob("*.yaml"))
BY_API = [
    name for name in SHIPPED if any(m.engine == "api" for m in formation_named(name).spec.models)
]


def api_name(model: str | None) -> str:
    """Of a provider's model, without the provider."""
    return (model or "").partition("/")[2]


@contextmanager
def providers(spec: FormationSpec, book: Path) -> Iterator[str]:
    """`hekaton simulate` with every model of a formation: OpenAI's protocol for the local ones, the
    Gemini API's for the others; gives the address."""
    names = {api_name(one.api_model) or one.name for one in spec.models}
    words = [word for name in sorted(names) for word in ("--model", name)]
    command = ["simulate", "--port", "0", "--book", str(book), *words]
    process = subprocess.Popen(
        [sys.executable, "-m", "hekaton_runtime.cli.main", *command],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1].removesuffix("/v1")
        finally:
            process.terminate()


def elsewhere(spec: FormationSpec, url: str) -> list[str]:
    """The options that send every model of a formation to `providers`."""
    changes: list[str] = []
    for one in spec.models:
        here = f"models.{one.name}."
        if one.engine == "api":
            served = f"gemini/simulated/{api_name(one.api_model)}"
            changes += [f"{here}endpoint={url}/v1beta", f"{here}apiModel={served}"]
        else:
            changes += [f"{here}engine=external", f"{here}endpoint={url}/v1", f"{here}model=simulated/{one.name}"]  # fmt: skip
    return [word for change in changes for word in ("--set", change)]


def billed(url: str) -> "Counter[str]":
    """Calls by model, as the server counted them."""
    with urllib.request.urlopen(f"{url}/billing") as answer:
        return Counter(call["model"] for call in json.load(answer)["calls"])


@pytest.mark.parametrize("formation", SHIPPED)
def test_every_shipped_formation_finishes_a_mission_with_simulated_models(
    formation: str, hekaton: Hekaton, missions: Path
) -> None:
    said = hekaton(
        "run", missions / "extend-tally.yaml", "--formation", formation, "--simulate", "--json"
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert json.loads(said.stdout.splitlines()[-1])["outcome"] == "passed"


@pytest.mark.parametrize("formation", BY_API)
def test_roles_on_a_provider_s_api_are_reached_by_litellm_inside_run(
    formation: str, hekaton: Hekaton, missions: Path
) -> None:
    spec = formation_named(formation).spec
    with providers(spec, missions / "duration-library.book.yaml") as url:
        said = hekaton(
            "run", missions / "duration-library.yaml", "--formation", formation, "--json",
            *elsewhere(spec, url), GEMINI_API_KEY="key",
        )  # fmt: skip
        calls = billed(url)
    assert said.returncode == 0, said.stdout + said.stderr
    ended = json.loads(said.stdout.splitlines()[-1])
    assert (ended["outcome"], ended["simulated"]) == ("passed", True)
    assert {"simulated/gemini-2.5-pro", "simulated/gemini-2.5-flash"} <= set(calls)
    assert ended["micros"] > 0  # at list price, out of what the API itself counted
    assert said.stderr == ""


def test_providers_that_cannot_be_asked_are_told_all_at_once_with_exit_code_2(
    hekaton: Hekaton, missions: Path
) -> None:
    said = hekaton(
        "run", missions / "extend-tally.yaml", "--formation", "war-room", GEMINI_API_KEY=""
    )
    assert said.returncode == 2
    assert said.stderr.count("GEMINI_API_KEY is not set") == 2
    assert "endpoint=URL" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_field_is_changed_for_one_run(hekaton: Hekaton, missions: Path) -> None:
    said = hekaton(
        "run", missions / "extend-tally.yaml", "--simulate", "--json",
        "--set", "models.sim-strong.price.outputPerMTok=0", "--set", "models.sim-strong.price.inputPerMTok=0",
        "--set", "models.sim-fast.price={}",
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr
    assert json.loads(said.stdout.splitlines()[-1])["micros"] == 0


def test_a_plan_takes_changes_too(hekaton: Hekaton) -> None:
    said = hekaton(
        "plan", "heavy-hitter", "--set", "models.coder-32b.contextLength=32768", "--json"
    )
    planned = {model["name"]: model for model in json.loads(said.stdout)["models"]}
    assert planned["coder-32b"]["reached"] == 32768


def test_changes_that_cannot_be_made_are_told_at_once_with_exit_code_2(hekaton: Hekaton) -> None:
    said = hekaton("plan", "heavy-hitter", "--set", "models.coder.contextLength=1", "--set", "x")
    assert said.returncode == 2
    assert "--set: models: 'coder' is no entry of it" in said.stderr
    assert "--set: 'x' is no change of a field" in said.stderr
