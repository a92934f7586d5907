"""What a line of a journal says to somebody outside: that something was done and what it cost, never its content. Pure."""

import msgspec

from hekaton_runtime.journal.entries import (
    Body,
    ChoseNext,
    Halted,
    Labelled,
    StoppedBranch,
    unpack,
)
from hekaton_runtime.results import (
    Answer,
    Failed,
    HeardAll,
    Merged,
    Ran,
    Refused,
    Rejected,
    Stopped,
    Unmerged,
    Written,
)
from hekaton_runtime.service.desk import Moment


def moment(seq: int, path: str, at: float, packed: bytes) -> Moment:
    """A line of the journal; one that another version wrote is shown by its place alone."""
    try:
        body = unpack(packed)
    except msgspec.DecodeError:
        return Moment(seq, "unreadable", path, at, "written by another version")
    return Moment(seq, str(getattr(type(body), "__struct_config__").tag), path, at, said(body))  # noqa: B009  # msgspec's own class has no type for it


def said(body: Body) -> str:
    """In a line; empty where the kind alone says it."""
    if isinstance(body, Answer | Failed | Refused | Stopped):
        return _asked(body)
    if isinstance(body, Ran | Written | Rejected | Merged | Unmerged):
        return _workspace(body)
    return _course(body)


def _asked(body: Answer | Failed | Refused | Stopped) -> str:
    match body:
        case Answer():
            return f"{body.agent} by {body.model}: {body.tokens} tokens, ${body.micros / 1e6:.6f}"
        case Failed():
            return f"{body.kind}: {body.detail[:500]}"
        case Refused():
            return str(body)
        case Stopped():
            return body.reason


def _workspace(body: Ran | Written | Rejected | Merged | Unmerged) -> str:
    match body:
        case Ran():
            verdict = "pass" if body.passed else f"exit {body.exit_code}"
            return f"{verdict}: {body.command[:500]} ({body.seconds:.1f} s)"
        case Written() | Merged():
            return body.commit
        case Rejected():
            return "; ".join(finding.text for finding in body.findings)[:500]
        case Unmerged():
            return f"{body.kind}: {body.detail[:500]}"


def _course(body: Body) -> str:
    match body:
        case HeardAll():
            return f"{len(body.answers)} heard, {'quorate' if body.quorate else 'no quorum'}"
        case ChoseNext() | StoppedBranch():
            return body.name
        case Halted():
            return f"{body.kind}: {body.reason}"
        case Labelled():
            return "; ".join(f"{label.code} {label.name}" for label in body.labels)
        case _:
            return ""
