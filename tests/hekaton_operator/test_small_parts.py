"""Names, keys, conditions, comparison, pods and settings: the pure pieces one by one."""

import base64
from typing import Any

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from hekaton_operator import names
from hekaton_operator.conditions import Claim, Condition, merged
from hekaton_operator.curve import mint, pair_of, permit_key
from hekaton_operator.errors import BadSettings
from hekaton_operator.manifest import covers
from hekaton_operator.mission.admission import shown
from hekaton_operator.pods import pod_of, trouble
from hekaton_operator.settings import from_environ, reachable

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)  # fmt: skip


@given(st.binary(min_size=32, max_size=32))
def test_a_pair_is_what_libzmq_makes_of_the_same_secret(secret: bytes) -> None:
    pair = pair_of(secret)
    assert pair.public == zmq.curve_public(pair.secret.encode()).decode()


def test_keys_are_long_enough_and_never_the_same() -> None:
    assert mint() != mint()
    assert len(base64.b64decode(permit_key())) == 32


def test_a_secret_is_not_shown() -> None:
    pair = mint()
    assert pair.secret not in repr(pair)


@given(st.from_regex(r"[a-z][a-z0-9-]{0,62}", fullmatch=True), st.sampled_from(["", "-bus", "-r1"]))
def test_a_child_s_name_is_short_enough_and_its_own(base: str, suffix: str) -> None:
    made = names.child_name(base, suffix, 52)
    assert len(made) <= 52
    assert made.endswith(suffix)
    assert made != names.child_name(f"{base}x", suffix, 52)


def test_a_service_begins_with_a_letter() -> None:
    assert names.service_name("crew") == "crew"
    assert names.service_name("7b") == "fm-7b"


@given(JSON)
def test_everything_covers_itself(value: Any) -> None:
    assert covers(value, value)


@given(st.dictionaries(st.text(max_size=2), JSON, max_size=4), st.text(min_size=3, max_size=4))
def test_what_the_server_adds_does_not_matter(value: dict[str, Any], added: str) -> None:
    assert covers({**value, added: 1}, value)
    assert not covers(value, {**value, added: 1})


@given(st.sampled_from(["True", "False"]), st.sampled_from(["True", "False"]))
def test_the_time_changes_exactly_with_the_status(before: Any, now: Any) -> None:
    old = Condition(Claim("Ready", before, "Old", "m"), 1, "then")
    (new,) = merged((Claim("Ready", now, "New", "n"),), (old,), 2, "now")
    assert (new.since == "then") == (before == now)
    assert new.generation == 2


@given(st.integers(0, 100_000))
def test_a_shown_position_never_claims_more_than_there_are(ahead: int) -> None:
    assert 0 <= shown(ahead) <= ahead
    assert ahead - shown(ahead) < max(1, 10 ** (len(str(ahead)) - 1))
    assert ahead >= 10 or shown(ahead) == ahead


@pytest.mark.parametrize(
    ("waiting", "reason", "words"),
    [
        (("CreateContainerConfigError", 'secret "k" not found'), "SecretMissing", "create secret generic k"),
        (
            ("CreateContainerConfigError", "couldn't find key a in Secret team/k"),
            "SecretMissing",
            "has no key 'a'",
        ),
        (("ErrImagePull", "not found"), "ImagePullFailed", "'i:1'"),
        (("CrashLoopBackOff", "back-off"), "ContainerCrashing", "kubectl logs p -c c --previous"),
        (("CreateContainerError", "bad path"), "ContainerRefused", "bad path"),
    ],
)  # fmt: skip
def test_trouble_is_named_with_its_remedy(
    waiting: tuple[str, str], reason: str, words: str
) -> None:
    held = {"reason": waiting[0], "message": waiting[1]}
    status = {"containerStatuses": [{"name": "c", "image": "i:1", "state": {"waiting": held}}]}
    found = trouble((pod_of({"metadata": {"name": "p"}, "status": status}),))
    assert found is not None
    assert found.reason == reason
    assert words in found.message


def test_a_pod_that_starts_is_no_trouble() -> None:
    held = {"waiting": {"reason": "ContainerCreating"}}
    status = {"containerStatuses": [{"name": "c", "image": "i", "state": held}]}
    assert trouble((pod_of({"metadata": {"name": "p"}, "status": status}),)) is None


def test_settings_refuse_everything_that_is_wrong_at_once() -> None:
    with pytest.raises(BadSettings) as fault:
        from_environ(
            {"HEKATON_DB_PORT": "x", "HEKATON_LOG_LEVEL": "loud", "HEKATON_TENANT_ROLES": "no"}
        )
    assert len(fault.value.reasons) == 5


def test_the_password_is_not_shown() -> None:
    given_ = {"HEKATON_IMAGE_RUNTIME": "r", "HEKATON_DB_HOST": "h", "HEKATON_DB_PASSWORD": "pw-1"}
    assert "pw-1" not in repr(from_environ(given_))


@pytest.mark.parametrize(
    ("host", "wanted"),
    [("pg", "pg.sys.svc"), ("pg.other.svc", "pg.other.svc"), ("10.0.0.1", "10.0.0.1"), ("::1", "::1")],
)  # fmt: skip
def test_a_bare_database_name_is_completed_for_other_namespaces(host: str, wanted: str) -> None:
    assert reachable(host, "sys") == wanted
