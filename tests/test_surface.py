"""What users and other parts build on, written down: a change here is a change for them."""

from typing import get_args

import msgspec
import pytest
import typer

from hekaton_api.formation import FormationSpec
from hekaton_api.mission import MissionSpec
from hekaton_runtime import effects, results
from hekaton_runtime.answers import AnswerName
from hekaton_runtime.cli.main import app
from hekaton_runtime.strategies.modes import MODES

COMMANDS = {
    "run", "resume", "kill", "missions", "show", "replay", "validate", "doctor", "bench", "compare", "plan",
    "prune", "simulate",
    "conductor", "broker", "agent", "keys", "version", "router", "engines", "workspace", "migrate",
    "submit", "watch", "logs", "artifact", "serve",
}  # fmt: skip
EFFECTS = {
    "Ask",
    "Round",
    "Read",
    "Write",
    "Run",
    "Examine",
    "Merge",
    "Note",
    "Now",
    "Pause",
    "Share",
}
RESULTS = {
    "Answer", "Refused", "Failed", "Stopped", "HeardAll", "Files", "Written", "Rejected", "Ran", "Examined", "Merged",
    "Unmerged", "Noted", "Clock", "Shared",
}  # fmt: skip


def test_the_commands() -> None:
    group = typer.main.get_command(app)
    assert set(getattr(group, "commands")) == COMMANDS  # noqa: B009  # typer's own class has no type


def test_the_effects_and_results_that_strategies_are_written_in() -> None:
    assert {kind.__name__ for kind in get_args(effects.Effect)} == EFFECTS
    assert {kind.__name__ for kind in get_args(results.Result)} == RESULTS


def test_the_modes() -> None:
    assert set(MODES) == {"single", "swarm", "vote", "debate", "flat", "hierarchical", "auto"}


def test_the_answers() -> None:
    assert set(get_args(AnswerName)) == {
        "triage", "views", "proposal", "ballot", "plan", "design", "patch", "review",
        "charter", "reasoned",
    }  # fmt: skip


def test_the_fields_of_a_formation_and_of_a_mission() -> None:
    def names(model: type) -> set[str]:
        fields: dict[str, object] = model.model_fields  # type: ignore[attr-defined]
        return set(fields)

    assert names(FormationSpec) == {
        "replicas", "capacity", "hardware", "models", "roles", "routing", "debate", "review", "planning", "memory",
        "prompts", "update", "budget", "pod", "revision_history_limit",
    }  # fmt: skip
    assert names(MissionSpec) == {
        "goal", "formation", "mode", "workspace", "acceptance", "budget", "review", "priority", "suspend", "cancel",
        "retries", "artifact", "ttl_after_finished",
    }  # fmt: skip


@pytest.mark.parametrize("union", [effects.Effect, results.Result], ids=["effects", "results"])
def test_each_effect_and_result_has_a_tag_of_its_own(union: object) -> None:
    tags = [
        kind.__struct_config__.tag for kind in get_args(union) if issubclass(kind, msgspec.Struct)
    ]
    assert len(tags) == len(set(tags)) == len(get_args(union))
