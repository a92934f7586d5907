"""Undo the two wrappings that servers put around a JSON answer, and nothing else. Pure.

Reasoning models may begin with `<think>…</think>`; others fence the answer in ```json.
Anything else stays as it came, so that a wrong answer is rejected and never repaired in silence.
"""

_OPEN, _CLOSE = "<think>", "</think>"
_FENCE, _JSON = "```", "```json"


def unwrap(text: str) -> str:
    """Strip one leading thought, then one ```json fence around all of the rest."""
    return _unfenced(_unthought(text))


def _unthought(text: str) -> str:
    body = text.lstrip()
    if not body.startswith(_OPEN):
        return text
    _, closed, rest = body.partition(_CLOSE)
    return rest.strip() if closed else text


def _unfenced(text: str) -> str:
    body = text.strip()
    if not body.startswith(_JSON) or not body.endswith(_FENCE):
        return text
    inner = body[len(_JSON) : -len(_FENCE)]
    if len(body) < len(_JSON) + len(_FENCE) or not inner[:1].isspace():
        return text
    return inner.strip()
