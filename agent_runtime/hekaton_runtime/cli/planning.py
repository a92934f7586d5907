"""`hekaton plan`: does a formation fit its hardware, and what would make it fit."""

import json
import math
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.table import Table

from hekaton_api.errors import Finding, Invalid
from hekaton_api.formation import Formation
from hekaton_api.overlay import overlaid
from hekaton_api.vram.catalog import shipped
from hekaton_api.vram.config import Read, Unplannable, read_config
from hekaton_api.vram.facts import Published, published
from hekaton_api.vram.findings import UNKNOWN, misnamed, unserved
from hekaton_api.vram.flags import command
from hekaton_api.vram.plan import Placed, Plan, plan
from hekaton_api.vram.remedies import Remedy, remedies
from hekaton_api.vram.sizes import GB, shown
from hekaton_runtime.cli.documents import builtin, formation_named
from hekaton_runtime.cli.picture import svg, text
from hekaton_runtime.cli.terminal import console
from hekaton_runtime.errors import BadInput

FITS, MISFITS = 0, 2
CONFIG = "config.json"
CLUSTER = "-cluster"
"""How the files of formations end that differ from another in their endpoints alone."""


def plan_formation(
    name: str, changes: list[str], configs: list[str], svg_file: Path | None, *, as_json: bool
) -> int:
    """Plan one formation; 0 if it fits, 2 if not. Raises `BadInput` or `Invalid`."""
    with told_together():
        formation = overlaid(formation_named(name), changes)
    catalog = shipped(given_configs(formation, configs))
    found = plan(formation, catalog)
    offered = remedies(formation.spec, catalog)
    if svg_file:
        _write(svg_file, svg(found))
    if as_json:
        print(json.dumps(as_data(found, offered)))
    else:
        _show(found, offered)
    return FITS if found.fits else MISFITS


def plan_all(*, as_json: bool) -> int:
    """Plan every shipped formation, beside the published table; 0 if all fit, 2 if one does not."""
    catalog = shipped()
    claims = {row.formation: row for row in published()}
    stems = {path.stem for path in builtin().glob("*.yaml")}
    names = sorted(each for each in stems if each.removesuffix(CLUSTER) not in stems - {each})
    order = [*(name for name in claims if name in names), *(n for n in names if n not in claims)]
    formations = [formation_named(name) for name in order]
    plans = [plan(formation, catalog) for formation in formations]
    if as_json:
        for formation, one in zip(formations, plans, strict=True):
            print(json.dumps(as_data(one, remedies(formation.spec, catalog))))
    else:
        console().print(_table(plans, claims))
        print(
            "Published: the formations of hekaton-core, their authors' figures. GB are 10^9 bytes."
        )
    return FITS if all(one.fits for one in plans) else MISFITS


def refuse_unfit(formation: Formation) -> None:
    """Raises `BadInput` with every reason why its own engines could never serve it, and the nearest
    remedy. A model that nobody knows the figures of is not such a reason: nothing is served here."""
    catalog = shipped(given_configs(formation, []))
    found = plan(formation, catalog)
    reasons = [str(one) for one in found.refusals if one.field not in (*UNKNOWN, "config")]
    if found.excess:
        reasons.append(found.excess)
    if reasons:
        remedy = [f"Nearest remedy: {one.change}" for one in remedies(formation.spec, catalog)[:1]]
        raise BadInput(
            [*(f"formation {formation.metadata.name!r}: {one}" for one in reasons), *remedy]
        )


@contextmanager
def told_together(*, served: bool = True) -> Iterator[None]:
    """Where files are invalid, tell with it what the planner has against their formations, as far as
    they can be read; not where others serve the models. Raises `Invalid`."""
    try:
        yield
    except Invalid as fault:
        found = list(fault.findings)
        for file in dict.fromkeys(each.file for each in fault.findings if each.file):
            names, rest = planned_findings(Path(file))
            found += untold((*names, *rest) if served else names, fault.findings)
        found.sort(key=lambda each: (each.file, each.line or math.inf))
        raise Invalid(tuple(found)) from None


def planned_findings(file: Path) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """What the planner has against the formations of a file: roles on models that are not there, and
    what could not be served; nothing if it cannot be read."""
    try:
        words = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return (), ()
    return misnamed(words, str(file)), unserved(words, str(file), shipped())


def untold(found: Iterable[Finding], told: Iterable[Finding]) -> list[Finding]:
    """Those of places of which nothing is told yet."""
    places = {(each.file, each.line, each.field) for each in told}
    return [each for each in found if (each.file, each.line, each.field) not in places]


def given_configs(formation: Formation, configs: list[str]) -> dict[str, Read]:
    """What --config names, and the config.json of models that are folders on this machine."""
    paths: dict[str, Path] = {}
    for model in formation.spec.models:
        if model.model and (Path(model.model) / CONFIG).is_file():
            paths[model.name] = Path(model.model) / CONFIG
    reasons = []
    known = {name for model in formation.spec.models for name in (model.name, model.model) if name}
    for each in configs:
        name, sign, path = each.partition("=")
        if not sign or name not in known:
            reasons.append(
                f"--config: {each!r} does not begin with a model's name. Give NAME=PATH, where NAME"
                f" is one of: {', '.join(model.name for model in formation.spec.models)}."
            )
        else:
            paths[name] = Path(path)
    read: dict[str, Read] = {}
    for name, file in paths.items():
        try:
            read[name] = read_config(file.read_text(), str(file))
        except (OSError, UnicodeDecodeError) as fault:
            reasons.append(f"--config: {file}: {fault}. Give the path of a {CONFIG}.")
        except Unplannable as fault:
            reasons += fault.reasons
    if reasons:
        raise BadInput(reasons)
    return read


def _write(file: Path, words: str) -> None:
    try:
        file.write_text(words)
    except OSError as fault:
        raise BadInput([f"--svg: {file}: {fault.strerror}. Give a file that can be written."]) from fault  # fmt: skip


def _show(found: Plan, offered: tuple[Remedy, ...]) -> None:
    print(f"{found.formation}: {'fits' if found.fits else 'DOES NOT FIT'}")
    print("\n".join(found.reasons) or found.sentence)
    if found.models:
        console().print(_models(found))
        print(text(found))
        if found.freed:
            print(f"Packed KV dtypes free {shown(found.freed)} against 16 bits at these contexts.")
        roles = (f"{one.role} {one.context or '-'}" for one in found.roles)
        print(f"Roles: {', '.join(roles)} tokens.")
        for each in found.models:
            print(shlex.join(command(each.engine)))
    for remedy in offered:
        print(f"remedy: {remedy.change}")


def _models(found: Plan) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("MODEL", "ATTENTION", "WEIGHTS", "KV", "ACTIVATIONS", "ENGINE", "TOTAL", "SEQUENCES", "REACHES", "COULD REACH", "KV DTYPE"):  # fmt: skip
        left = name in ("MODEL", "ATTENTION", "KV DTYPE")
        table.add_column(name, justify="left" if left else "right")
    share = max(1, found.gpus)
    for each in found.models:
        one = each.engine
        sizes = (one.weights, one.kv, one.activations, one.overhead, one.total)
        table.add_row(
            one.spec.name, one.shape.kind, *(shown(size * share) for size in sizes),
            f"{one.spec.max_sequences} x {one.spec.context_length}", str(each.reached), str(each.possible),
            one.dtype.name,
        )  # fmt: skip
    return table


def _table(plans: list[Plan], claims: Mapping[str, Published]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("FORMATION", "MODELS", "MEMORY", "PUBLISHED", "DIFFERENCE", "CONTEXT", "PUBLISHED", "FREE", "FREED", ""):  # fmt: skip
        table.add_column(name, justify="left" if name in ("FORMATION", "") else "right")
    for one in plans:
        claim = claims.get(one.formation)
        local = (shown(one.used), shown(one.free), shown(one.freed)) if one.models else ("-",) * 3
        table.add_row(
            one.formation,
            f"{len(one.models)} local" + (f" + {len(one.remote)} API" if one.remote else ""),
            local[0],
            f"{claim.memory_gb} GB" if claim else "-",
            f"{difference(one, claim):+.1f} %" if claim else "-",
            str(one.context or "-"),
            str(claim.context) if claim else "-",
            *local[1:],
            "fits" if one.fits else "DOES NOT FIT",
        )
    return table


def difference(found: Plan, claim: Published) -> float:
    """How far planned memory is from the published figure, in percent of the latter."""
    return 100 * (found.used / (claim.memory_gb * GB) - 1)


def as_data(found: Plan, offered: tuple[Remedy, ...]) -> dict[str, object]:
    """A plan for machines; sizes in bytes over all GPUs of a replica."""
    claim = next((row for row in published() if row.formation == found.formation), None)
    share = max(1, found.gpus)
    return {
        "formation": found.formation, "fits": found.fits, "sentence": found.sentence,
        "profile": found.profile, "gpus": found.gpus, "capacityBytes": found.capacity,
        "reserveBytes": found.reserve, "usedBytes": found.used, "freeBytes": found.free,
        "freedBytes": found.freed, "context": found.context, "remote": list(found.remote),
        "models": [_model_data(each, share) for each in found.models],
        "roles": [{"role": one.role, "model": one.model, "context": one.context} for one in found.roles],
        "refusals": [{"model": one.model, "field": one.field, "reason": one.reason, "remedy": one.remedy} for one in found.refusals],
        "remedies": [{"kind": one.kind, "change": one.change, "distance": one.distance} for one in offered],
        "published": claim and {"memoryGB": claim.memory_gb, "context": claim.context, "differencePercent": round(difference(found, claim), 2)},
    }  # fmt: skip


def _model_data(each: Placed, share: int) -> dict[str, object]:
    one = each.engine
    return {
        "name": one.spec.name, "model": one.spec.model, "engine": one.spec.engine, "attention": one.shape.kind,
        "format": one.format, "kvCacheDtype": one.dtype.name, "weightsBytes": one.weights * share,
        "kvBytes": one.kv * share, "activationsBytes": one.activations * share,
        "overheadBytes": one.overhead * share, "totalBytes": one.total * share, "freedBytes": one.freed * share,
        "context": one.spec.context_length, "sequences": one.spec.max_sequences, "reached": each.reached,
        "possible": each.possible, "command": list(command(one)),
    }  # fmt: skip
