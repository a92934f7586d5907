"""Small missions and formations of this suite, as YAML text."""

from promises.kubectl import Namespace

GOAL = "Answer slowly."


def mission(name: str, formation: str, *, commands: str = "true", tokens: int = 200_000) -> str:
    """One that a single builder works on, from an empty workspace."""
    return f"""\
apiVersion: hekaton.dev/v1alpha1
kind: Mission
metadata: {{name: {name}}}
spec:
  goal: {GOAL}
  formation: {formation}
  mode: single
  workspace: {{files: []}}
  acceptance: {{commands: ["{commands}"]}}
  budget: {{tokens: {tokens}, usd: 1}}
"""


def slow_mission(name: str) -> str:
    """One whose every answer takes long enough to be met in the middle."""
    return mission(name, "simulated")


def slow_models(space: Namespace) -> None:
    """Let the simulated models wait before each answer."""
    words = '[{"op": "add", "path": "/spec/template/spec/containers/0/command/-", "value": "--latency=20"}]'
    space.kubectl("patch", "deployment", "simulated-models", "--type=json", "-p", words)
    space.kubectl(
        "rollout", "status", "deployment/simulated-models", "--timeout=120s", patience=150
    )


def formation(name: str, endpoint: str, **more: str) -> str:
    """A team of two on one endpoint; `more` are further fields of the spec, in YAML."""
    lines = "".join(f"  {field}: {value}\n" for field, value in more.items())
    return f"""\
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {{name: {name}}}
spec:
{lines}  models:
    - {{name: only, engine: external, model: simulated/sim-strong, endpoint: "{endpoint}", contextLength: 32768}}
  roles:
    - {{name: sapper, role: sapper, model: only}}
    - {{name: auditor, role: auditor, model: only}}
"""
