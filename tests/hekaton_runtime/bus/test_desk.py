"""The broker's decisions without sockets: time is given, and actions are read back."""

from typing import Any

import pytest

from hekaton_runtime.bus.actions import Complain, Publish, Send
from hekaton_runtime.bus.complaints import Complaints
from hekaton_runtime.bus.desk import Desk
from hekaton_runtime.bus.messages import (
    AgentHello,
    Answered,
    Beat,
    Bye,
    CallerHello,
    Cancel,
    Deliver,
    Denied,
    Faulted,
    Halt,
    OpenRound,
    Reply,
    Report,
    RoundClosed,
    Stranger,
    Submit,
    ToBroker,
    Welcome,
)
from hekaton_runtime.bus.orders import Memory
from hekaton_runtime.bus.roster import JobKey
from hekaton_runtime.bus.settings import BusSettings
from hekaton_runtime.errors import BadInput
from hekaton_runtime.results import Usage

AGENT = AgentHello(protocol=1, agent="coder", instance="i", capacity=2)
CALLER = CallerHello(protocol=1, mission="m1")
ANSWER = Answered(
    text="t",
    usage=Usage(prompt_tokens=1, completion_tokens=1),
    model="m",
    seconds=0.0,
    instance="liar",
)


class Talk:
    """A desk and the messages it sent, by receiver."""

    def __init__(self, **settings: Any) -> None:
        self.desk = Desk(BusSettings(**settings), "e1", "ipc:///c")
        self.causes: list[str] = []
        self.published: list[Halt] = []

    def say(self, sender: bytes, message: ToBroker, now: float = 0.0, user: str = "") -> list[Send]:
        self.desk.hear(sender, user, message, now)
        return self.sent()

    def tick(self, now: float) -> list[Send]:
        self.desk.tick(now)
        return self.sent()

    def sent(self) -> list[Send]:
        actions = self.desk.take()
        self.causes += [a.cause for a in actions if isinstance(a, Complain)]
        self.published += [a.message for a in actions if isinstance(a, Publish)]
        return [action for action in actions if isinstance(action, Send)]

    def join(self, sender: bytes, hello: ToBroker, now: float = 0.0) -> str:
        (welcome,) = [s.message for s in self.say(sender, hello, now) if s.to == sender]
        assert isinstance(welcome, Welcome)
        return welcome.session


def report(session: str, order: str = "o1") -> Report:
    return Report(session=session, mission="m1", order=order, outcome=ANSWER)


def submit(order: Any, epoch: str = "e1", round: str = "") -> Submit:
    return Submit(epoch=epoch, order=order, round=round)


def test_an_agent_that_answers_what_it_was_not_given_is_dropped(order: Any) -> None:
    talk = Talk()
    talk.join(b"c", CALLER)
    talk.join(b"a", AGENT)
    liar = talk.join(b"l", AgentHello(protocol=1, agent="other", instance="l", capacity=1))
    talk.say(b"c", submit(order()))
    sent = talk.say(b"l", report(liar))
    assert [(s.to, type(s.message)) for s in sent] == [(b"l", Denied)]
    assert talk.causes == ["lie"]
    assert talk.say(b"l", Beat()) == []


def test_the_broker_says_which_instance_answered(order: Any) -> None:
    talk = Talk()
    talk.join(b"c", CALLER)
    session = talk.join(b"a", AGENT)
    talk.say(b"c", submit(order()))
    (reply,) = talk.say(b"a", report(session))
    assert isinstance(reply.message, Reply)
    assert isinstance(reply.message.outcome, Answered)
    assert reply.message.outcome.instance == "i"


def test_a_report_of_a_former_session_is_ignored_and_no_lie(order: Any) -> None:
    talk = Talk()
    session = talk.join(b"a", AGENT)
    talk.say(b"a", Bye())
    talk.join(b"a", AGENT)
    assert talk.say(b"a", report(session)) == []
    assert talk.causes == ["stale"]


@pytest.mark.parametrize(
    "message",
    [
        Halt(mission="m2", reason="r"),
        Cancel(mission="m2", order="o", reason="r"),
        report("e1-1"),
    ],
    ids=["halt", "cancel", "report"],
)
def test_a_caller_may_speak_for_its_own_mission_only(message: ToBroker) -> None:
    talk = Talk()
    talk.join(b"c", CALLER)
    (sent,) = talk.say(b"c", message)
    assert isinstance(sent.message, Denied)
    assert talk.causes == ["lie"]


def test_an_agent_may_not_place_orders(order: Any) -> None:
    talk = Talk()
    talk.join(b"a", AGENT)
    (sent,) = talk.say(b"a", submit(order()))
    assert isinstance(sent.message, Denied)


def test_a_stranger_is_asked_to_say_hello(order: Any) -> None:
    (sent,) = Talk().say(b"x", submit(order()))
    assert sent.message == Stranger()


def test_another_protocol_is_denied() -> None:
    (sent,) = Talk().say(b"c", CallerHello(protocol=2, mission="m1"))
    assert isinstance(sent.message, Denied)


def test_an_order_for_a_former_broker_is_ignored(order: Any) -> None:
    talk = Talk()
    talk.join(b"c", CALLER)
    assert talk.say(b"c", submit(order(), epoch="e0")) == []
    assert talk.causes == ["stale"]


def test_orders_that_could_not_be_sent_go_to_another_agent(order: Any) -> None:
    talk = Talk()
    talk.join(b"c", CALLER)
    talk.join(b"a", AGENT)
    one = talk.say(b"c", submit(order("o1")))
    two = talk.say(b"c", submit(order("o2")))
    talk.desk.unsent([*one, *two], 0.0)
    assert talk.sent() == []
    sent = talk.say(b"b", AgentHello(protocol=1, agent="coder", instance="j", capacity=2))
    assert [type(s.message) for s in sent] == [Welcome, Deliver, Deliver]


def test_a_reconnected_caller_gets_the_answer(order: Any) -> None:
    talk = Talk()
    talk.join(b"c", CALLER)
    session = talk.join(b"a", AGENT)
    talk.say(b"c", submit(order()))
    talk.join(b"d", CALLER)
    talk.say(b"d", submit(order()))
    talk.say(b"c", Bye())
    (reply,) = talk.say(b"a", report(session))
    assert reply.to == b"d"


def test_an_answer_nobody_received_is_given_again(order: Any) -> None:
    talk = Talk()
    talk.join(b"c", CALLER)
    session = talk.join(b"a", AGENT)
    talk.say(b"c", submit(order()))
    lost = talk.say(b"a", report(session))
    talk.desk.unsent(lost, 0.0)
    talk.join(b"d", CALLER)
    (reply,) = talk.say(b"d", submit(order()))
    assert isinstance(reply.message, Reply)
    assert isinstance(reply.message.outcome, Answered)


def test_a_reconnected_caller_finds_its_round_again(order: Any) -> None:
    talk = Talk()
    talk.join(b"c", CALLER)
    session = talk.join(b"a", AGENT)
    opened = OpenRound(
        epoch="e1",
        mission="m1",
        round="r1",
        orders=("o1",),
        quorum=1,
        seconds=9,
        topic="",
        head="",
    )
    for caller in (b"c", b"d"):
        talk.join(caller, CALLER)
        talk.say(caller, opened)
        talk.say(caller, submit(order(), round="r1"))
    sent = talk.say(b"a", report(session))
    assert [(s.to, type(s.message)) for s in sent] == [(b"d", Reply), (b"d", RoundClosed)]
    (again,) = talk.say(b"d", opened)
    assert again.message == sent[1].message


def test_a_round_whose_order_never_came_closes_all_the_same() -> None:
    talk = Talk()
    talk.join(b"c", CALLER)
    opened = OpenRound(
        epoch="e1",
        mission="m1",
        round="r1",
        orders=("o1",),
        quorum=1,
        seconds=2,
        topic="",
        head="",
    )
    talk.say(b"c", opened)
    reply, closed = talk.tick(2.0)
    assert isinstance(reply.message, Reply)
    assert isinstance(reply.message.outcome, Faulted)
    assert not reply.message.outcome.billed
    assert isinstance(closed.message, RoundClosed)
    assert closed.message.missing == ("o1",)


def test_too_many_open_rounds_drop_the_caller() -> None:
    talk = Talk(open_rounds=1)
    talk.join(b"c", CALLER)
    for name in ("r1", "r2"):
        opened = OpenRound(
            epoch="e1",
            mission="m1",
            round=name,
            orders=("o",),
            quorum=1,
            seconds=2,
            topic="",
            head="",
        )
        sent = talk.say(b"c", opened)
    assert isinstance(sent[0].message, Denied)
    assert talk.causes == ["flood"]


def test_no_more_peers_than_allowed_are_seated() -> None:
    talk = Talk(peers=1)
    talk.join(b"c", CALLER)
    assert talk.say(b"a", AGENT) == []
    assert talk.causes == ["flood"]


def test_a_seat_is_not_taken_over_with_another_key() -> None:
    talk = Talk()
    talk.say(b"a", AGENT, user="alice")
    assert talk.say(b"b", AGENT, now=4.0, user="mallory") == []
    assert len(talk.say(b"c", AGENT, now=4.0, user="alice")) == 1


def test_a_silent_peer_is_forgotten_after_the_patience(order: Any) -> None:
    talk = Talk()
    talk.join(b"a", AGENT)
    assert talk.tick(4.9) == []
    talk.say(b"a", Beat(), now=4.95)
    talk.tick(9.0)
    assert talk.say(b"a", Beat(), now=9.5)[0].message == Beat(epoch="e1")
    talk.tick(15.0)
    assert talk.say(b"a", Beat(), now=15.0)[0].message == Stranger()


def test_a_halt_is_published_and_cancels_directly(order: Any) -> None:
    talk = Talk()
    talk.join(b"c", CALLER)
    talk.join(b"a", AGENT)
    talk.say(b"c", submit(order()))
    halt = Halt(mission="m1", reason="r")
    (sent,) = talk.say(b"c", halt)
    assert sent.message == Cancel(mission="m1", order="o1", reason="r")
    assert talk.published == [halt]


def test_memory_drops_the_oldest_beyond_its_bytes() -> None:
    memory = Memory[Faulted](limit=10, limit_bytes=2000)
    for name in ("a", "b", "c"):
        told = Faulted(kind="lost", detail="x" * 400, usage=None, billed=True)
        memory.keep(JobKey("m", name), told)
    assert memory.find(JobKey("m", "a")) is None
    assert memory.find(JobKey("m", "c")) is not None


def test_a_peer_is_told_on_once_a_minute_and_counted_always() -> None:
    complaints = Complaints()
    told = [complaints.note("p", "lie", now) for now in (0.0, 1.0, 59.0, 60.0, 61.0)]
    assert told == [True, False, False, True, False]
    assert complaints.note("q", "lie", 1.0)
    assert complaints.count("lie") == 6


def test_settings_that_make_no_sense_are_all_named() -> None:
    with pytest.raises(BadInput) as caught:
        BusSettings(heartbeat=1.0, patience=1.5, queue=0)
    assert len(caught.value.reasons) == 2
