"""docs/api.md, the reference of every field and rule, made from the definitions so that it cannot lie. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from hekaton_api.cel import RULES
from hekaton_api.schema.definitions import GROUP, formations, missions
from hekaton_api.schema.structural import Schema

HEAD = """\
<!-- Made by `make crds` from crds/hekaton_api; change the types or crds/hekaton_api/schema/reference.py, not this file. -->
# API reference

Group `{group}`. Every field of the two kinds with its type and bounds, and every rule that the API server holds an object to.
The same from a cluster: `kubectl explain formation.spec --recursive`. Examples: [formations.md](formations.md), `manifests/`.

"""
PLAN = """\
## Versions and their storage

{table}

What is promised of a version, and how the next one comes:

1. **Within `{version}`** fields are added with defaults, rules are loosened, and what is refused is only ever refused of new values: a
   rule that a stored object breaks does not keep it from being changed elsewhere (validation ratcheting), which
   `e2e/crds/test_old_objects_live_on.py` shows. A field is never given another meaning. `helm upgrade` brings the new definition; an
   older one put back by `helm rollback` drops from what is written afterwards only the fields that it does not know.
2. **A change that this forbids** (a field renamed, moved or taken away) makes a new version, `v1alpha2` or `v1beta1`. For at least two
   releases both are served. The stored version stays the old one for the first of them, so that a rollback of the operator can
   read all that was written, and becomes the new one in the second.
3. **Conversion** between the two is a webhook that the operator serves from all its replicas (`conversion.strategy: Webhook`), with a
   pure function for each direction in `hekaton_api` and a property test: there and back again gives the object that was
   given, for every object that the schema allows. What only the new version can say travels through the old one in the
   annotation `{group}/conversion`. There is no webhook as long as there is one version (`conversion.strategy: None`).
4. **What is stored is rewritten** before a version goes: each object is read and written once (`kubectl get KIND -A -o json | kubectl
   replace -f -`, or the storage version migrator), `status.storedVersions` of the CRD is checked to hold the new one alone, and only
   the release after that stops serving the old one.

Not promised for a version with `alpha` in its name: that it is served after its two releases. No object is lost by that, since it is
stored in the newer one by then.

"""


def page() -> str:
    """The whole page."""
    kinds = (formations(), missions())
    text = HEAD.format(group=GROUP) + PLAN.format(
        group=GROUP, version=kinds[0]["spec"]["versions"][0]["name"], table=_versions(kinds)
    )
    return text + "\n".join(_kind(each) for each in kinds)


def _versions(kinds: Iterable[Schema]) -> str:
    lines = [
        f"| {each['spec']['names']['kind']} | `{version['name']}` | {_yes(version['served'])} |"
        f" {_yes(version['storage'])} | {each['spec'].get('conversion', {}).get('strategy', 'None')} |"
        for each in kinds
        for version in each["spec"]["versions"]
    ]
    return "\n".join(
        ("| kind | version | served | stored | conversion |", "|---|---|---|---|---|", *lines)
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _kind(definition: Schema) -> str:
    """One kind: what it is called, its columns, its fields, its rules."""
    spec = definition["spec"]
    (version,) = spec["versions"]
    names, whole = spec["names"], version["schema"]["openAPIV3Schema"]
    kind = names["kind"]
    parts = [f"## {kind}\n", f"{_sentence(whole)} {_called(names, version)}\n"]
    parts.append(f"`kubectl get {names['plural']}` shows: {_columns(version)}.\n")
    for part in ("spec", "status"):
        rows = list(_rows(whole["properties"][part], part))
        parts += [f"### {kind} {part}\n", "| field | type | meaning |", "|---|---|---|", *rows, ""]
    rules = sorted(set(_rules(whole, "")))
    parts += [f"### Rules of {kind}\n", "Checked by the API server and by `hekaton validate`.\n"]
    return "\n".join([*parts, *rules, ""])


def _sentence(node: Schema) -> str:
    return str(node.get("description", ""))


def _called(names: Schema, version: Schema) -> str:
    short = ", ".join(f"`{each}`" for each in names["shortNames"])
    sub = ", ".join(f"`{each}`" for each in version["subresources"])
    select = ", ".join(f"`{each['jsonPath'][1:]}`" for each in version["selectableFields"])
    return (
        f"Short name {short}, category `{names['categories'][0]}`; subresources {sub};"
        f" field selectors {select}."
    )


def _columns(version: Schema) -> str:
    columns = version["additionalPrinterColumns"]
    return ", ".join(f"{each['name']}{' (wide)' * ('priority' in each)}" for each in columns)


def _rows(node: Schema, path: str) -> Iterator[str]:
    """A row for each field below this one, in the order of the types."""
    for name, inner in node.get("properties", {}).items():
        at = f"{path}.{name}"
        element = inner.get("items") or inner.get("additionalProperties")
        yield f"| `{at}` | {_type(inner)} | {_cell(_sentence(inner))} |"
        if inner.get("properties"):
            yield from _rows(inner, at)
        elif isinstance(element, dict):
            yield from _rows(element, f"{at}[]")


def _type(node: Schema) -> str:
    """The type and its bounds, in words."""
    if "items" in node:
        most = f", at most {node['maxItems']}" if "maxItems" in node else ""
        return f"list of {_type(node['items'])}{most}"
    if isinstance(node.get("additionalProperties"), dict):
        return f"map to {_type(node['additionalProperties'])}"
    if node.get("enum"):
        return ", ".join(f"`{each}`" for each in node["enum"])
    return f"{node['type']}{_bounds(node)}"


def _bounds(node: Schema) -> str:
    if node["type"] == "string":
        return f", at most {node['maxLength']} characters" if "maxLength" in node else ""
    low = "above" if node.get("exclusiveMinimum") else "at least"
    bounds = [f"{low} {_number(node['minimum'])}"] if "minimum" in node else []
    bounds += [f"at most {_number(node['maximum'])}"] if "maximum" in node else []
    return "".join(f", {each}" for each in bounds)


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if float(value).is_integer() else f"{value:g}"


def _rules(node: Any, path: str) -> Iterator[str]:
    """A line for each rule, under the path of the field that it refuses."""
    for rule in node.get(RULES, ()):
        at = f"{path}{rule.get('fieldPath', '')}".lstrip(".") or "the object"
        when = " (of a change)" if "oldSelf" in rule["rule"] else ""
        yield f"- `{at}`{when} {_cell(rule['message'])}"
    for name, inner in node.get("properties", {}).items():
        yield from _rules(inner, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(node.get(name), dict):
            yield from _rules(node[name], f"{path}[]")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
