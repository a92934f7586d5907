"""What is made from other files: `python -m chart.manifests` writes it, and a test holds it equal.

The CRDs inside the chart, the book of the simulated models, and the chart rendered for people
without Helm.
"""

from pathlib import Path

from chart.helm import NAMESPACE, Helm, found
from chart.yamls import write
from cluster.places import ROOT

CRDS = ROOT / "crds"
COPIES = ROOT / "charts" / "hekaton" / "files" / "crds"
BOOK = ROOT / "manifests" / "missions" / "duration-library.book.yaml"
BOOKS = ROOT / "manifests" / "simulated" / "books.yaml"
INSTALL = ROOT / "manifests" / "install.yaml"
MODELS = ROOT / "manifests" / "simulated" / "models.yaml"
MISSION = ROOT / "manifests" / "missions" / "duration-library.yaml"
DEV = ROOT / "manifests" / "gitops" / "overlays" / "dev"
SETTINGS = ("postgres.existingSecret=hekaton-postgres",)

HEAD = f"""\
# Hekaton without Helm: the chart rendered by `make manifests`. Its password is yours to make, before or after:
#
#   kubectl apply --server-side -f manifests/install.yaml
#   kubectl -n {NAMESPACE} create secret generic hekaton-postgres --from-literal=password="$(openssl rand -hex 24)"
#   kubectl -n {NAMESPACE} rollout status deployment/hekaton-operator
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""
COPIED = "# Made from {} by `make manifests`: kustomize reads nothing outside of its folder.\n"
BOOKS_HEAD = "# What the simulated models know: made from manifests/missions by `make manifests`.\n"


def books() -> str:
    """The answer book as a ConfigMap."""
    return BOOKS_HEAD + write(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "simulated-books",
                "labels": {"app.kubernetes.io/part-of": "hekaton"},
            },
            "data": {"duration-library.yaml": BOOK.read_text()},
        }
    )


def copies() -> dict[Path, str]:
    """The CRDs inside the chart, by path: Helm reads nothing outside it."""
    return {COPIES / path.name: path.read_text() for path in sorted(CRDS.glob("*.yaml"))}


def overlay() -> dict[Path, str]:
    """What the overlay `dev` has from elsewhere, by path."""
    simulated = COPIED.format("manifests/simulated") + "---\n".join((books(), MODELS.read_text()))
    mission = COPIED.format("manifests/missions") + MISSION.read_text()
    return {DEV / "simulated.yaml": simulated, DEV / "mission.yaml": mission}


def install(helm: Helm) -> str:
    """The namespace and the rendered chart."""
    return HEAD + helm.text(*SETTINGS)


def main() -> None:
    """Write all of it."""
    COPIES.mkdir(parents=True, exist_ok=True)
    wanted = copies()
    for path in set(COPIES.glob("*.yaml")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text)
    BOOKS.write_text(books())
    for path, text in overlay().items():
        path.write_text(text)
    INSTALL.write_text(install(found()))


if __name__ == "__main__":
    main()
