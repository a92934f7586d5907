"""JSON schemas for kubeconform, made offline: Kubernetes' from its own module, ours from the CRDs.

Strict: what an object's schema does not name is refused, as `kubectl apply` would warn of it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chart.yamls import Object, read
from cluster.native.binaries import KUBERNETES
from cluster.places import ROOT
from cluster.shell import run

LOCATION = "{{ .Group }}_{{ .ResourceAPIVersion }}_{{ .ResourceKind }}.json"
"""How kubeconform finds a schema; it calls the core group by its version."""

REFERENCE = "#/definitions/"
SCALARS: Mapping[str, Object] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
}


def write(folder: Path) -> None:
    """Write the schema of every kind of Kubernetes' API, and of ours."""
    definitions = {name: _closed(each) for name, each in _definitions().items()} | dict(SCALARS)
    for name, each in definitions.items():
        for kind in each.get("x-kubernetes-group-version-kind", ()):
            needed = {part: definitions[part] for part in _reached(name, definitions)}
            whole = {**_identified(each, kind), "definitions": needed}
            _file(folder, kind).write_text(json.dumps(whole))
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        for kind, schema in _own(read(path.read_text())[0]):
            _file(folder, kind).write_text(json.dumps(_identified(schema, kind)))


def _definitions() -> dict[str, Object]:
    said = run(["go", "mod", "download", "-json", f"k8s.io/kubernetes@{KUBERNETES}"])
    folder = Path(json.loads(said[said.index("{") :])["Dir"])
    text = (folder / "api" / "openapi-spec" / "swagger.json").read_text()
    definitions: dict[str, Object] = json.loads(text)["definitions"]
    return definitions


def _file(folder: Path, kind: Mapping[str, str]) -> Path:
    group = kind["group"] or kind["version"]
    return folder / f"{group}_{kind['version']}_{kind['kind'].lower()}.json"


def _identified(schema: Object, kind: Mapping[str, str]) -> Object:
    """An object says which kind it is."""
    version = "/".join(filter(None, (kind["group"], kind["version"])))
    names = {"apiVersion": {"const": version}, "kind": {"const": kind["kind"]}}
    properties = {**schema.get("properties", {}), **names}
    required = sorted({*schema.get("required", ()), *names})
    return {**schema, "properties": properties, "required": required}


def _closed(schema: Object) -> Object:
    """The schema with every object closed, and without what only Kubernetes understands."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer", "number"]}
    closed = {name: each for name, each in schema.items() if name != "format"}
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            closed[name] = _closed(schema[name])
    if isinstance(properties := schema.get("properties"), dict):
        closed["properties"] = {name: _closed(each) for name, each in properties.items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed.setdefault("additionalProperties", False)
    return closed


def _reached(name: str, definitions: Mapping[str, Object]) -> set[str]:
    """Every definition that this one needs."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        for part in set(_references(definitions[waiting.pop()])) - reached:
            reached.add(part)
            waiting.append(part)
    return reached


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference.removeprefix(REFERENCE)
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _own(crd: Object) -> Iterator[tuple[Mapping[str, str], Object]]:
    """Each version of one of our kinds. Its metadata is Kubernetes' affair."""
    spec = crd["spec"]
    for version in spec["versions"]:
        schema = _closed(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        kind = {"group": spec["group"], "version": version["name"], "kind": spec["names"]["kind"]}
        yield kind, schema
