"""Decides what a simulated model says to a request: all of it, before the first byte goes out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import msgspec

from hekaton_runtime.answers import AnswerName, Patch
from hekaton_runtime.models.simulated.asked import Asked
from hekaton_runtime.models.simulated.book import Entry
from hekaton_runtime.models.simulated.draws import Draw, prompt_hash
from hekaton_runtime.models.simulated.faults import Fault
from hekaton_runtime.models.simulated.generate import LABEL, example
from hekaton_runtime.models.simulated.generic import generic, labelled
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.models.simulated.tokens import pieces, prompt_tokens
from hekaton_runtime.models.simulated.wrong import corrupted

_KNOWN: Mapping[str, AnswerName] = {name: name for name in get_args(AnswerName)}
_KIN: Mapping[str, AnswerName] = {"charter": "plan", "reasoned": "patch"}
"""Answers that a book without them has in another form."""
_OTHER_SHAPE = msgspec.json.encode({LABEL: "wrong schema"}).decode()


@dataclass(frozen=True, slots=True)
class Script:
    """One answer, in tokens, with its count."""

    prompt_tokens: int
    pieces: tuple[str, ...]
    finish: Literal["stop", "length"]
    counted: bool = True
    """Whether the answer carries its usage."""


def script(asked: Asked, model: SimulatedModel, settings: SimulatedSettings) -> Script:
    """Write the answer; raises `Impossible` for a schema that cannot be met."""
    return _limited(asked, answer_text(asked, model, settings), counted=True)


def spoiled(script: Script, fault: Fault | None, asked: Asked) -> Script:
    """Change the answer as a fault of content wants it; other faults leave it alone."""
    match fault.kind if fault else None:
        case "truncated_json":
            half = script.pieces[: len(script.pieces) // 2]
            return replace(script, pieces=half, finish="stop")
        case "wrong_schema":
            return _limited(asked, _OTHER_SHAPE, counted=True)
        case "no_usage":
            return replace(script, counted=False)
        case _:
            return script


def _limited(asked: Asked, text: str, *, counted: bool) -> Script:
    whole = pieces(text)
    kept = whole[: asked.max_tokens]
    finish: Literal["stop", "length"] = "stop" if len(kept) == len(whole) else "length"
    return Script(prompt_tokens(asked.messages), kept, finish, counted)


def answer_text(asked: Asked, model: SimulatedModel, settings: SimulatedSettings) -> str:
    """Say the answer in full, without regard to `max_tokens`."""
    entry = settings.book.find(asked.prompt, _in_book(asked.answer or "", settings))
    if asked.answer is None:
        return f"{LABEL}: no model read this prompt; ask for a JSON schema to get an answer."
    draw = Draw(
        seed=settings.seed,
        model=model.id,
        entry=entry.key if entry else "",
        sample=asked.seed,
        prompt=prompt_hash(asked.messages),
    )
    value = _value(asked, entry, draw, model.competence)
    return msgspec.json.encode(value).decode()


def _value(asked: Asked, entry: Entry | None, draw: Draw, competence: float) -> Any:
    name = asked.answer or ""
    if entry is not None and name in entry.answers:
        return _from_book(name, entry, draw, competence)
    if entry is not None and (kin := _KIN.get(name)) and kin in entry.answers:
        return _as(name, _from_book(kin, entry, draw, competence))
    if known := _KNOWN.get(name):
        return generic(known, draw, asked.prompt, competence)
    made = example(asked.schema)
    return {"note": LABEL} if made == {} and asked.schema == {"type": "object"} else made


def _in_book(name: str, settings: SimulatedSettings) -> str:
    """The name under which the book knows this kind of answer."""
    known = any(name in entry.answers for entry in settings.book.entries)
    return name if known else _KIN.get(name, name)


def _as(name: str, value: Any) -> Any:
    """A plan as a charter, a patch as a reasoned one."""
    if name == "reasoned":
        return {"reasoning": [f"{LABEL}: nothing was thought"], **msgspec.to_builtins(value)}
    return {"brief": value["summary"], "tasks": value["tasks"]}


def _from_book(name: str, entry: Entry, draw: Draw, competence: float) -> Any:
    """Give the right answer, or for work, as often as the model is not up to it, a wrong one."""
    value = entry.answers[name]
    wrong = entry.wrong.get(name, ())
    if (name == "patch" or wrong) and not draw.is_right(competence):
        value = wrong[draw.pick("wrong", len(wrong))] if wrong else _corrupted(value, draw)
    plain = msgspec.to_builtins(value)
    return labelled(name, plain) if isinstance(plain, dict) else plain


def _corrupted(value: Any, draw: Draw) -> Patch:
    patch = msgspec.json.decode(msgspec.json.encode(value), type=Patch)
    return corrupted(patch, draw)
