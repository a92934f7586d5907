"""The pinned Helm, and the chart rendered in the ways that people install it."""

import pytest
from chart.helm import Helm, found
from chart.yamls import Object

EXTERNAL = ("postgres.enabled=false", "database.host=db.example.com", "database.existingSecret=pw")
WAYS = {
    "default": (),
    "namespaced": ("watchNamespace=team-a",),
    "external database": EXTERNAL,
    "backup": ("backup.enabled=true",),
    "backup of an external database": (*EXTERNAL, "backup.enabled=true"),
    "service": ("service.enabled=true", "service.formation=team"),
    "open network": ("networkPolicies.enabled=false",),
    "all at once": (
        "images.registry=r.example.com/x",
        "images.pullSecrets={one,two}",
        "engines.hostPath=/opt/vllm",
        "engines.vllm=/opt/vllm/bin/vllm",
        "operator.nodeSelector.a=b",
        "operator.tolerations[0].operator=Exists",
        "operator.priorityClassName=high",
        "operator.podAnnotations.a=b",
        "postgres.existingSecret=mine",
        "postgres.storage.className=fast",
        "postgres.nodeSelector.a=b",
        "postgres.tolerations[0].operator=Exists",
        "postgres.priorityClassName=high",
        "backup.enabled=true",
        "backup.storage.existingClaim=mine",
        "service.enabled=true",
        "service.formation=team",
        "service.existingSecret=mine",
        "service.usd=2.50",
        "service.from[0].podSelector.matchLabels.a=b",
    ),
}


@pytest.fixture(scope="session")
def helm() -> Helm:
    return found()


@pytest.fixture(scope="session", params=WAYS, ids=lambda way: way.replace(" ", "-"))
def rendered(helm: Helm, request: pytest.FixtureRequest) -> list[Object]:
    """The chart in each way; read it, do not change it."""
    return helm.objects(*WAYS[request.param])
