"""`hekaton plan`: what it prints, what it exits with, and that nothing wrong passes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hekaton_api.vram.catalog import shipped
from hekaton_api.vram.facts import published
from hekaton_api.vram.plan import plan
from hekaton_api.vram.sizes import shown
from hekaton_runtime.cli.documents import formation_named
from hekaton_runtime.cli.picture import svg, text

Planned = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).resolve().parents[3]
CONFIG = {
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "max_position_embeddings": 32768,
    "num_attention_heads": 16,
    "num_hidden_layers": 24,
    "num_key_value_heads": 4,
    "vocab_size": 32000,
}


@pytest.fixture
def planned() -> Planned:
    """Run `hekaton plan`; it needs no home and no database."""

    def run(*words: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "hekaton_runtime.cli.main", "plan", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def formation(tmp_path: Path) -> Callable[..., Path]:
    """A formation file of one model on one GPU."""

    def write(model: str, **fields: object) -> Path:
        path = tmp_path / "mine.yaml"
        more = "".join(f"\n      {name}: {value}" for name, value in fields.items())
        path.write_text(
            "apiVersion: hekaton.dev/v1alpha1\nkind: Formation\nmetadata: {name: mine}\nspec:\n"
            "  hardware: {profile: gh200-96}\n  models:\n"
            f"    - name: coder\n      engine: vllm\n      model: {model}{more}\n"
            "  roles:\n    - {name: sapper, role: sapper, model: coder, maxTokens: 1024}\n"
        )
        return path

    return write


def test_a_formation_that_fits_exits_0_and_shows_table_picture_and_flags(planned: Planned) -> None:
    done = planned("heavy-hitter-tq")
    assert done.returncode == 0
    assert done.stderr == ""
    for said in ("heavy-hitter-tq: fits", "coder-32b", "KV cache", "--kv-cache-memory-bytes", "█"):
        assert said in done.stdout


def test_a_formation_that_does_not_fit_exits_2_and_names_remedies(
    planned: Planned, formation: Callable[..., Path]
) -> None:
    big = formation("Qwen/Qwen2.5-Coder-32B-Instruct", contextLength=32768, maxSequences=16)
    done = planned(big)
    assert done.returncode == 2
    assert "mine: DOES NOT FIT" in done.stdout
    assert "remedy: " in done.stdout


def test_what_cannot_be_served_exits_2_with_all_reasons(
    planned: Planned, formation: Callable[..., Path]
) -> None:
    wrong = formation(
        "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct", contextLength=200000, kvCacheDtype="tq5x"
    )
    done = planned(wrong)
    assert done.returncode == 2
    assert "models[coder].contextLength" in done.stdout
    assert "models[coder].kvCacheDtype" in done.stdout


def test_a_role_on_a_refused_model_has_no_context(
    planned: Planned, formation: Callable[..., Path]
) -> None:
    path = formation("Qwen/Qwen2.5-7B-Instruct", contextLength=100000)
    other = "    - {name: other, engine: vllm, model: Qwen/Qwen2.5-0.5B-Instruct}\n"
    path.write_text(path.read_text().replace("  roles:", other + "  roles:"))
    assert "Roles: sapper - tokens." in planned(path).stdout
    assert json.loads(planned(path, "--json").stdout)["roles"][0]["context"] == 0


def test_all_formations_stand_beside_the_published_table(planned: Planned) -> None:
    done = planned("--all")
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if line.endswith("fits")]
    assert len(lines) >= 14
    assert lines[0].split()[0] == "heavy-hitter-tq"
    assert "73 GB" in lines[0]
    names = [line.split()[0] for line in lines]
    assert len(set(names)) == len(names)


def test_json_is_one_object_whose_sizes_add_up(planned: Planned) -> None:
    done = planned("heavy-hitter", "--json")
    data = json.loads(done.stdout)
    assert data["usedBytes"] == sum(one["totalBytes"] for one in data["models"])
    assert data["freeBytes"] == data["capacityBytes"] - data["reserveBytes"] - data["usedBytes"]
    assert data["published"]["memoryGB"] == 78
    first = data["models"][0]
    assert str(first["kvBytes"]) in first["command"]


def test_all_as_json_is_one_line_a_formation(planned: Planned) -> None:
    lines = planned("--all", "--json").stdout.splitlines()
    assert {json.loads(line)["formation"] for line in lines} >= {"heavy-hitter", "local-cpu"}


def test_the_picture_is_a_well_formed_svg(planned: Planned, tmp_path: Path) -> None:
    file = tmp_path / "plan.svg"
    assert planned("pipeline", "--svg", file).returncode == 0
    root = ElementTree.fromstring(file.read_text())
    assert root.tag.endswith("svg")
    assert root.attrib["aria-label"].startswith("Memory of pipeline")


def test_a_config_json_makes_any_model_plannable(
    planned: Planned, formation: Callable[..., Path], tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG))
    mine = formation("me/my-model")
    unknown = planned(mine)
    assert unknown.returncode == 2
    assert "`hekaton plan FILE --config coder=PATH/config.json`" in unknown.stdout
    done = planned(mine, "--config", f"coder={config}")
    assert done.returncode == 0, done.stdout


def test_a_folder_with_a_config_json_is_read_without_being_asked(
    planned: Planned, formation: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    assert planned(formation(str(folder))).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give a formation"),
        (("heavy-hitter", "--all"), "give a formation"),
        (("nope",), "neither a file nor one of"),
        (("pipeline", "--config", "nobody=x.json"), "does not begin with a model's name"),
        (("pipeline", "--config", "coder-7b=/no/such/config.json"), "Give the path of a config"),
        (("pipeline", "--svg", "/no/such/folder/x.svg"), "Give a file that can be written"),
    ],
    ids=["nothing", "both", "unknown", "config-name", "config-file", "svg"],
)
def test_wrong_input_exits_2_with_the_remedy(
    planned: Planned, words: tuple[str, ...], said: str
) -> None:
    done = planned(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "formations").glob("*.svg")), ids=lambda path: path.stem
)
def test_the_pictures_in_the_documents_are_those_of_today(path: Path, tmp_path: Path) -> None:
    new = tmp_path / path.name
    new.write_text(svg(plan(formation_named(path.stem), shipped())))
    assert new.read_text() == path.read_text(), f"cp {new} {path}"


def test_the_page_on_formations_says_what_the_planner_says() -> None:
    page = (ROOT / "docs" / "formations.md").read_text().splitlines()
    for row in published():
        found = plan(formation_named(row.formation), shipped())
        (line,) = (line for line in page if line.startswith(f"| [{row.formation}]"))
        assert f"| {shown(found.used)} | {row.memory_gb} GB |" in line
        assert f"| {found.context} | {row.context} | {shown(found.free)} |" in line


def test_a_bar_is_as_long_as_its_sum_whatever_is_rounded() -> None:
    found = plan(formation_named("the-hive"), shipped())
    lines = text(found, 40).splitlines()
    names = max(len(each.engine.spec.name) for each in found.models)
    assert {len(line[names + 1 : names + 41]) for line in lines[:-1]} == {40}
    assert lines[-2].count("█") == round(
        40 * sum(each.engine.weights for each in found.models) / found.capacity
    )
