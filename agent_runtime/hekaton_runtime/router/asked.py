"""A request as the router needs it: the few fields it judges, all others passed on as they came. Pure."""

from dataclasses import dataclass

import msgspec

from hekaton_runtime.permits.permit import Claims, Refused, why_not


class _Judged(msgspec.Struct, frozen=True):
    """The fields that decide what a call may cost."""

    model: str
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    best_of: int | None = None
    stream: bool | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that keeps to its permit."""

    model: str
    stream: bool
    fields: dict[str, msgspec.Raw]
    """The whole body; only this module and the provider's door look into it."""

    def body(self, served: str) -> bytes:
        """The request under the name that its server knows the model by."""
        return msgspec.json.encode(
            {**self.fields, "model": msgspec.Raw(msgspec.json.encode(served))}
        )


def asked(body: bytes, claims: Claims) -> Asked:
    """Read a request; raises `Refused` for what the permit does not cover or nobody can read."""
    try:
        judged = msgspec.json.decode(body, type=_Judged)
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise Refused(400, f"The request is no chat completion: {fault}.") from fault
    if any((many or 1) != 1 for many in (judged.n, judged.best_of)):
        raise Refused(403, "The permit is for one answer; leave out n and best_of.")
    limits = (judged.max_tokens, judged.max_completion_tokens)
    most = max((one for one in limits if one is not None), default=None)
    if why := why_not(claims, judged.model, most):
        raise Refused(403, why)
    return Asked(judged.model, bool(judged.stream), fields)
