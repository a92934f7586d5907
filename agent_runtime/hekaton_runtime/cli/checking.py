"""`validate` and `doctor`: check files, and check this machine."""

import asyncio
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from rich.table import Table

from hekaton_api.errors import Finding, Invalid
from hekaton_api.formation import Formation
from hekaton_api.load import check, load
from hekaton_api.mission import Mission
from hekaton_runtime.brief import ToolName
from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.settings import BusSettings
from hekaton_runtime.cli.documents import builtin
from hekaton_runtime.cli.planning import planned_findings, untold
from hekaton_runtime.cli.terminal import console
from hekaton_runtime.errors import BadInput, HekatonError, Unavailable
from hekaton_runtime.models.probe import probe
from hekaton_runtime.review.commands import there
from hekaton_runtime.settings import Settings, from_environ
from hekaton_runtime.store.open import open_database
from hekaton_runtime.workspace.probe import LIMITS, capabilities
from hekaton_runtime.workspace.protocol import Sandbox
from hekaton_runtime.workspace.sandbox import LandlockSandbox

TOOLS: tuple[ToolName, ...] = get_args(ToolName)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried."""

    part: str
    works: bool
    what: str
    remedy: str = ""


def validate_files(files: list[Path], *, as_json: bool) -> int:
    """0 if all is well, 2 otherwise; every finding of every file. What only the planner has against a
    formation is said beside it: with an endpoint of the user's own it can be run nevertheless."""
    documents: list[Formation | Mission] = []
    findings: list[Finding] = []
    for path in files:
        try:
            documents += load(path)
        except Invalid as fault:
            findings += fault.findings
        except OSError as fault:
            findings.append(
                Finding(
                    str(path), 0, "", "", fault.strerror or str(fault), "Give a readable YAML file."
                )
            )
    given = [document for document in documents if isinstance(document, Formation)]
    shipped = [
        d for path in builtin().glob("*.yaml") for d in load(path) if isinstance(d, Formation)
    ]
    known = {one.metadata.name: one for one in (*shipped, *given)}
    for document in documents:
        if isinstance(document, Mission):
            findings += check(document, tuple(known.values()))
    planned = [planned_findings(path) for path in files]
    findings += untold((one for names, _ in planned for one in names), findings)
    notes = untold((one for _, rest in planned for one in rest), findings)
    if as_json:
        said = {"findings": [*map(asdict, findings)], "unfit": [*map(asdict, notes)]}
        print(json.dumps({"valid": not findings, **said}))
        return 2 if findings else 0
    for finding in findings:
        print(finding)
    if not findings:
        print("\n".join(f"{d.kind} {d.metadata.name}: valid" for d in documents))
    for note in notes:
        print(f"`hekaton plan` refuses: {note}")
    return 2 if findings else 0


def examine(base_url: str, *, as_json: bool) -> int:
    """0 if everything that was tried works."""
    checks = asyncio.run(_examine(from_environ(), base_url))
    if as_json:
        for one in checks:
            print(json.dumps(asdict(one)))
    else:
        table = Table(box=None, pad_edge=False)
        for name in ("", "PART", "WHAT", "REMEDY"):
            table.add_column(name)
        for one in checks:
            table.add_row(
                "ok" if one.works else "NO",
                one.part,
                one.what,
                one.remedy,
                style="" if one.works else "red",
            )
        console().print(table)
    return 0 if all(one.works for one in checks) else 1


async def _examine(settings: Settings, base_url: str) -> list[Check]:
    checks = [
        Check(f"sandbox: {one.name}", one.enforced, one.how, one.remedy)
        for one in await capabilities()
    ]
    checks += [await _database(settings), await _bus(), await review_tools(LandlockSandbox())]
    if base_url:
        checks.append(await _endpoint(base_url, settings.key))
    else:
        checks.append(
            Check(
                "endpoint",
                True,
                "none given",
                "Give --base-url URL to try one, or run with --simulate.",
            )
        )
    return checks


async def _database(settings: Settings) -> Check:
    try:
        async with open_database(settings) as database:
            said = str(await database.value("show server_version"))
            pgvector = await database.value(
                "select default_version from pg_available_extensions where name = 'vector'"
            )
    except HekatonError as fault:
        return Check(
            "database", False, str(fault), "Set HEKATON_DB_*, or install 'hekaton[embedded]'."
        )
    where = settings.server.host if settings.server else f"embedded under {settings.home}"
    return Check("database", True, f"PostgreSQL {said}, pgvector {pgvector or 'absent'}, {where}")


async def review_tools(sandbox: Sandbox) -> Check:
    """Whatever is missing costs a review its evidence, and nothing else."""
    with tempfile.TemporaryDirectory(prefix="hekaton-") as folder:
        place = Path(folder, "checkout")
        place.mkdir()
        try:
            done = {tool: await sandbox.run(there(tool), place, LIMITS) for tool in TOOLS}
        except Unavailable as fault:
            return Check("review tools", False, str(fault), "Mend the sandbox first.")
    found = [tool for tool, one in done.items() if one.exit_code == 0]
    lacking = [tool for tool in done if tool not in found]
    said = f"{', '.join(found) or 'none'} in the sandbox"
    if not lacking:
        return Check("review tools", True, said)
    remedy = "Reviews go on without: pip install 'hekaton[review]' where commands find `python`."
    return Check("review tools", True, f"{said}; not {', '.join(lacking)}", remedy)


async def _bus() -> Check:
    with tempfile.TemporaryDirectory(prefix="hekaton-") as folder:
        try:
            async with Broker.bind(
                f"ipc://{folder}/bus", f"ipc://{folder}/control", BusSettings()
            ) as broker:
                return Check(
                    "bus", True, f"ZeroMQ {broker.address.partition('://')[0]} socket bound"
                )
        except (BadInput, OSError) as fault:
            return Check(
                "bus", False, str(fault), f"Make {os.environ.get('TMPDIR', '/tmp')} writable."
            )


async def _endpoint(base_url: str, key: str) -> Check:
    report = await probe(base_url, key or None)
    if not report.reachable:
        return Check("endpoint", False, report.detail, "Start the server or correct --base-url.")
    schema = {
        True: "takes JSON schemas",
        False: "ignores JSON schemas",
        None: "JSON schemas unknown",
    }
    models = ", ".join(report.models[:5]) or "no models"
    return Check(
        "endpoint", True, f"{report.url}: {models}; {schema[report.json_schema]}", report.detail
    )
