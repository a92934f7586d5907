"""Who reviews what passed acceptance: a model behind an endpoint, or one that is SIMULATED from known rates."""

import random
from dataclasses import dataclass
from typing import Protocol

from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.agents.prompt import render
from hekaton_runtime.answers import Review, Unfit, parse, schema
from hekaton_runtime.brief import Brief, FileText, Finding
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import AnswerSchema, CompletionRequest, ModelError
from hekaton_runtime.results import Examined
from hekaton_runtime.review.telling import findings, notes

MAX_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Case:
    """What an auditor is shown; only the simulated one looks at `defect`."""

    goal: str
    commands: tuple[str, ...]
    files: tuple[FileText, ...]
    examined: Examined
    defect: bool


class Auditor(Protocol):
    """Gives a review, or None where its answer was unusable."""

    name: str

    async def review(self, case: Case) -> Review | None: ...


class Simulated:
    """Right about a defect and wrong about a sound program with known rates: it tests the counting, no more."""

    def __init__(self, sensitivity: float, false_alarms: float, seed: int) -> None:
        self.name = (
            f"SIMULATED auditor ({sensitivity:g} of defects, {false_alarms:g} of sound ones)"
        )
        self._sensitivity = sensitivity
        self._false_alarms = false_alarms
        self._chance = random.Random(f"auditor-{seed}")

    async def review(self, case: Case) -> Review | None:
        rate = self._sensitivity if case.defect else self._false_alarms
        if self._chance.random() >= rate:
            return Review(
                correctness=9, style=9, security=9, test_coverage=9, summary="SIMULATED: sound"
            )
        found = (Finding(text="SIMULATED: wrong result", severity="high"),)
        return Review(
            correctness=2, style=9, security=9, test_coverage=5, summary="SIMULATED", findings=found
        )


class Served:
    """A model at an OpenAI-compatible endpoint, asked with the auditor's own prompt."""

    def __init__(self, base_url: str, model: str, key: str, context: int) -> None:
        self.name = f"auditor {model}"
        self._model = OpenAIModel(base_url, key or None)
        self._profile = Profile(
            name="auditor", role="auditor", tier="medium", model=model, temperature=0.0,
            max_tokens=MAX_TOKENS, context_length=context,
        )  # fmt: skip

    async def review(self, case: Case) -> Review | None:
        brief = Brief(
            step="audit", goal=case.goal, acceptance=case.commands, files=case.files,
            tree=tuple(one.path for one in case.files),
            notes=(f"Acceptance passed: `{case.commands[-1]}`", *notes(case.examined)),
            findings=findings(case.examined),
        )  # fmt: skip
        request = CompletionRequest(
            model=self._profile.model, messages=render(self._profile, brief, "review", MAX_TOKENS),
            max_tokens=MAX_TOKENS, seed=1, answer=AnswerSchema(name="review", schema=schema("review")),
        )  # fmt: skip
        try:
            return parse((await self._model.complete(request)).text, Review)
        except (ModelError, Unfit):
            return None
