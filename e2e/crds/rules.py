"""Every rule of the CRDs: where a document breaks it, and words of the answer a person gets.

A case is the path to a field in `spec`, the value that is wrong there (`GONE`: the field is left
out), the field that the server names, and a part of its message.
"""

import copy
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Gone(Enum):
    """In the place of a value: the field is left out."""

    GONE = "gone"


GONE = Gone.GONE
At = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One broken rule."""

    changes: dict[At, object]
    where: str
    words: str
    before: dict[At, object] = field(default_factory=dict)
    """What is changed in the document that keeps the rule as well."""


def changed(document: dict[str, Any], changes: dict[At, object]) -> dict[str, Any]:
    """The document with these values at these paths of its spec."""
    for path, value in copy.deepcopy(changes).items():
        here: Any = document["spec"]
        for part in path[:-1]:
            here = here.setdefault(part, {}) if isinstance(here, dict) else here[part]
        if value is Gone.GONE:
            del here[path[-1]]
        elif isinstance(here, list) and path[-1] == len(here):
            here.append(value)
        else:
            here[path[-1]] = value
    return document


def texts(*fields: tuple[str, At, object]) -> dict[str, Case]:
    """A case for each text that no pattern keeps a NUL out of: as the server names it, path, value."""
    return {
        f"no NUL in {where}": Case({path: value}, f"spec.{where}", "holds a NUL character")
        for where, path, value in fields
    }


BIG, FAR, SAPPER = ("models", 0), ("models", 1), ("roles", 1)
GPU: dict[At, object] = {("hardware",): {"profile": "custom", "memoryGiB": 80}}
WEIGHTS: dict[At, object] = {
    BIG: {"name": "big", "engine": "vllm", "model": "a/b", "weightsGiB": 70}
}
TWICE = {"name": "sapper", "role": "worker"}

FORMATIONS = {
    "names of models differ": Case({(*FAR, "name"): "big"}, "spec.models[1]", "Duplicate value"),
    "names of roles differ": Case({("roles", 3): TWICE}, "spec.roles[3]", "Duplicate value"),
    "auto is no model": Case({(*FAR, "name"): "auto"}, "spec.models[1].name", "is taken"),
    "models of roles exist": Case(
        {(*SAPPER, "model"): "bigg"}, "spec.roles", "name a model that is not there"
    ),
    "fallbacks exist": Case(
        {("routing",): {"fallbacks": ["tiny"]}},
        "spec.routing.fallbacks",
        "Give names of entries of models",
        {("routing",): {"fallbacks": ["far"]}},
    ),
    "answers fit": Case(
        {(*SAPPER, "maxTokens"): 7169},
        "spec.roles",
        "Lower maxTokens, or raise",
        {(*SAPPER, "maxTokens"): 7168},
    ),
    "somebody builds": Case({(*SAPPER, "role"): "analyst"}, "spec.roles", "nobody who builds"),
    "the arbiter exists": Case(
        {("roles", 2, "role"): "analyst"},
        "spec.debate.arbiter",
        "is no role of this formation",
        {("debate",): {"arbiter": "auditor"}},
    ),
    "the quorum is there": Case(
        {("debate",): {"quorum": 4}},
        "spec.debate.quorum",
        "can never be reached",
        {("debate",): {"quorum": 3}},
    ),
    "weights fit": Case(
        {("hardware", "memoryGiB"): 71}, "spec.models", "more GiB of weights", {**GPU, **WEIGHTS}
    ),
    "local models have weights": Case(
        {(*BIG, "model"): GONE}, "spec.models[0].model", "Name the weights", WEIGHTS
    ),
    "external models have an endpoint": Case(
        {(*BIG, "endpoint"): GONE}, "spec.models[0].endpoint", "Give the base URL"
    ),
    "api models have a provider": Case(
        {(*FAR, "apiModel"): GONE}, "spec.models[1].apiModel", "Give provider and model"
    ),
    "local models have no endpoint": Case(
        {(*BIG, "endpoint"): "http://h/v1"}, "spec.models[0].endpoint", "Remove endpoint", WEIGHTS
    ),
    "only api models have a provider": Case(
        {(*BIG, "apiModel"): "a/b"}, "spec.models[0].apiModel", "Remove apiModel"
    ),
    "credentials have a source": Case(
        {(*FAR, "credentials"): {}}, "spec.models[1].credentials", "exactly one of secretKeyRef"
    ),
    "a cpu has no gpus": Case(
        {("hardware",): {"gpus": 1}}, "spec.hardware.gpus", "the profile is cpu"
    ),
    "a gpu profile has gpus": Case(
        {("hardware", "gpus"): 0}, "spec.hardware.gpus", "Give at least 1", GPU
    ),
    "a cpu has no device class": Case(
        {("hardware",): {"deviceClass": "gpu.example.com"}},
        "spec.hardware.deviceClass",
        "means nothing to profile cpu",
    ),
    "custom hardware has a size": Case(
        {("hardware", "memoryGiB"): GONE}, "spec.hardware.memoryGiB", "e.g. memoryGiB: 80", GPU
    ),
    "a reserve leaves room": Case(
        {("hardware", "reserveGiB"): 80}, "spec.hardware.reserveGiB", "leaves no memory", GPU
    ),
    "weights of a rubric are one": Case(
        {("review",): {"rubric": {"style": 0.3}}},
        "spec.review.rubric",
        "do not sum to 1",
        {("review",): {"rubric": {"style": 0.3, "security": 0.1}}},
    ),
    "tiers differ": Case(
        {("memory",): {"tiers": ["core", "core"]}},
        "spec.memory.tiers[1]",
        "Duplicate value",
        {("memory",): {"tiers": ["core"]}},
    ),
    "labels are labels": Case(
        {("pod",): {"nodeSelector": {"a b": "c"}}},
        "spec.pod.nodeSelector",
        "no label's key",
        {("pod",): {"nodeSelector": {"kubernetes.io/arch": "arm64"}}},
    ),
    "rounds last": Case(
        {("debate",): {"roundTimeout": "0s"}},
        "spec.debate.roundTimeout",
        "leaves no time",
        {("debate",): {"roundTimeout": "1s"}},
    ),
    "durations end": Case(
        {("update",): {"drainTimeout": "8784h1s"}},
        "spec.update.drainTimeout",
        "366 days",
        {("update",): {"drainTimeout": "8784h"}},
    ),
    "prices are exact": Case(
        {(*FAR, "price"): {"inputPerMTok": 0.0000001}},
        "spec.models[1].price.inputPerMTok",
        "more than six decimals",
        {(*FAR, "price"): {"inputPerMTok": 0.000001}},
    ),
    "days cost money": Case(
        {("budget",): {"usdPerDay": 0}},
        "spec.budget.usdPerDay",
        "greater than 0",
        {("budget",): {"usdPerDay": 0.000001}},
    ),
    "engines are known": Case(
        {(*BIG, "engine"): "vlm"}, "spec.models[0].engine", 'supported values: "vllm"'
    ),
    "addresses hold no password": Case(
        {(*BIG, "endpoint"): "http://me:hush@h/v1"}, "spec.models[0].endpoint", "should match"
    ),
    **texts(
        ("models[0].model", (*BIG, "model"), "a\0b"),
        ("models[0].revision", (*BIG, "revision"), "\0"),
        ("models[0].config", (*BIG, "config"), "{\0}"),
        ("models[0].extraArgs[0]", (*BIG, "extraArgs"), ["--a\0"]),
        ("models[0].endpoint", (*BIG, "endpoint"), "http://h/\0"),
        ("models[1].apiModel", (*FAR, "apiModel"), "a/\0"),
        ("pod.priorityClass", ("pod",), {"priorityClass": "\0"}),
        ("pod.images.engines", ("pod",), {"images": {"engines": "\0"}}),
        ("pod.images.runtime", ("pod",), {"images": {"runtime": "\0"}}),
        ("pod.images.workspace", ("pod",), {"images": {"workspace": "\0"}}),
        ("pod.tolerations[0].key", ("pod",), {"tolerations": [{"key": "\0"}]}),
        ("pod.tolerations[0].value", ("pod",), {"tolerations": [{"value": "\0"}]}),
    ),
}

FILE = ("workspace", "files", 0, "path")
GIT: dict[At, object] = {("workspace",): {"git": {"url": "https://host/x.git"}}}
HALF = {"path": "b", "content": "x" * 262_144}

MISSIONS = {
    "a goal says something": Case({("goal",): " \n\u2003"}, "spec.goal", "Say in words"),
    "a workspace has one source": Case(
        {("workspace", "git"): {"url": "https://host/x.git"}}, "spec.workspace", "Keep exactly one"
    ),
    "a workspace has a source": Case({("workspace",): {}}, "spec.workspace", "Keep exactly one"),
    "an artifact has one place": Case(
        {("artifact",): {}},
        "spec.artifact",
        "exactly one of pvc and git",
        {("artifact",): {"pvc": {"claimName": "c"}}},
    ),
    "a branch has a repository": Case(
        {("artifact",): {"git": {"branch": "done"}}}, "spec.artifact.git", "Give workspace.git"
    ),
    "commands do something": Case(
        {("acceptance", "commands", 1): "\t "}, "spec.acceptance.commands[1]", "is empty"
    ),
    "paths stay inside": Case({FILE: "src/../../a"}, "spec.workspace.files[0].path", "within the"),
    "paths are relative": Case({FILE: "/etc/passwd"}, "spec.workspace.files[0].path", "leading"),
    "paths are printed": Case({FILE: "a\x01"}, "spec.workspace.files[0].path", "control character"),
    "paths are not git's": Case({FILE: "a/.Git/b"}, "spec.workspace.files[0].path", "into .git"),
    "files differ": Case(
        {("workspace", "files", 1): {"path": "src/a.py", "content": ""}},
        "spec.workspace.files[1]",
        "Duplicate value",
    ),
    "a file is no folder": Case(
        {("workspace", "files", 1): {"path": "src", "content": ""}},
        "spec.workspace.files",
        "a folder elsewhere",
    ),
    "files are small together": Case(
        {("workspace", "files", 1, "content"): "é" * 131_073},
        "spec.workspace.files",
        "workspace.git",
        {("workspace", "files"): [HALF, {"path": "a", "content": "é" * 131_072}]},
    ),
    "budgets are exact": Case(
        {("budget", "usd"): 2.5000001}, "spec.budget.usd", "more than six decimals"
    ),
    "time is given": Case(
        {("budget", "wallClock"): "0h0m"}, "spec.budget.wallClock", "leaves no time"
    ),
    "time is bounded": Case({("ttlAfterFinished",): "8785h"}, "spec.ttlAfterFinished", "366 days"),
    "modes are known": Case({("mode",): "swarn"}, "spec.mode", 'supported values: "swarm"'),
    **texts(
        ("goal", ("goal",), "a\0b"),
        ("acceptance.commands[0]", ("acceptance", "commands", 0), "true \0"),
        ("acceptance.files[0].content", ("acceptance", "files"), [{**HALF, "content": "\0"}]),
        ("workspace.files[0].content", ("workspace", "files", 0, "content"), "a\0"),
        ("workspace.git.url", ("workspace",), {"git": {"url": "https://h/\0"}}),
    ),
}
