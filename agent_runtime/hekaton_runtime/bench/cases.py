"""What a run consists of: every task in every mode and seed, as missions with names of their own. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from hekaton_api.formation import Formation
from hekaton_api.mission import Mission
from hekaton_runtime.bench.names import digest, mission_id
from hekaton_runtime.conductor.records import Options, Record


@dataclass(frozen=True, slots=True)
class Draft:
    """One mission that is wanted, before it has a name."""

    task: str
    slug: str
    seed: int
    mission: Mission
    options: Options


@dataclass(frozen=True, slots=True)
class Case:
    """One task in one mode and seed."""

    task: str
    mode: str
    seed: int
    record: Record


def fingerprint(drafts: Sequence[Draft], formation: Formation, code: str) -> str:
    """Eight hex digits of everything that can change a result; where its files lie cannot."""
    parts = [code, formation.model_dump_json()]
    for draft in drafts:
        options = msgspec.json.encode(replace(draft.options, home=""))
        parts += [draft.task, str(draft.seed), draft.mission.model_dump_json(), options.decode()]
    return digest(*parts)


def cases(
    run: str, drafts: Sequence[Draft], formation: Formation, created: int
) -> tuple[Case, ...]:
    """`created` is in seconds since 1970; only missions that are new get it."""
    several = len({draft.seed for draft in drafts}) > 1
    return tuple(
        Case(
            draft.task,
            draft.mission.spec.mode,
            draft.seed,
            Record(
                mission_id(
                    run, draft.slug, draft.mission.spec.mode, draft.seed if several else None
                ),
                draft.mission,
                formation,
                draft.options,
                created,
            ),
        )
        for draft in drafts
    )


def differs(wanted: Record, there: Record) -> list[str]:
    """In what a mission that is there differs from the wanted one of the same name."""
    parts = (
        ("the task", wanted.mission, there.mission),
        ("the formation", wanted.formation, there.formation),
        ("the options", replace(wanted.options, home=""), replace(there.options, home="")),
    )
    return [name for name, ours, theirs in parts if ours != theirs]


def code_digest(texts: Sequence[tuple[str, bytes]]) -> str:
    """Of named texts: what decides which questions are asked."""
    made = hashlib.sha256()
    for name, text in sorted(texts):
        made.update(name.encode() + b"\0" + hashlib.sha256(text).digest())
    return made.hexdigest()
