"""The broker's mind: who may say what, and what follows from it. Pure; `broker` carries it out.

A peer registers with a hello and is known by the identity ZeroMQ gave its connection, never by
what it says. One that reports on orders it was not given, or speaks out of its part, is dropped.
"""

from collections import OrderedDict
from itertools import count

from hekaton_runtime.bus.actions import Action, Complain, Send
from hekaton_runtime.bus.complaints import Cause
from hekaton_runtime.bus.dispatch import Dispatch
from hekaton_runtime.bus.messages import (
    PROTOCOL,
    AgentHello,
    Answered,
    Beat,
    Bye,
    CallerHello,
    Cancel,
    Deliver,
    Denied,
    Halt,
    OpenRound,
    Report,
    Stranger,
    Submit,
    ToBroker,
    Welcome,
)
from hekaton_runtime.bus.roster import AgentSeat, CallerSeat, JobKey, Roster
from hekaton_runtime.bus.settings import BusSettings

_BARRED = 4096  # identities of dropped peers that are remembered


class Desk:
    """Takes messages and the time, and gives actions."""

    def __init__(self, settings: BusSettings, epoch: str, control: str) -> None:
        self._settings = settings
        self._epoch = epoch
        self._control = control
        self._out: list[Action] = []
        self._roster = Roster()
        self._dispatch = Dispatch(settings, self._roster, self._out)
        self._sessions = count(1)
        self._barred: OrderedDict[bytes, None] = OrderedDict()
        self._next_check = 0.0

    def take(self) -> list[Action]:
        """Hand over what is to be done since the last call."""
        actions = self._out[:]
        self._out.clear()
        return actions

    def registered(self) -> tuple[str, ...]:
        """Name the agents that have a live instance."""
        return self._roster.names()

    def hear(self, sender: bytes, user: str, message: ToBroker, now: float) -> None:
        """Act on a peer's message."""
        if sender in self._barred:
            return
        seat = self._roster.find(sender)
        if seat is not None:
            seat.heard = now
        match message:
            case AgentHello() | CallerHello():
                self._welcome(sender, user, message, now)
            case Bye():
                self.gone(sender, now)
                self._out.append(Send(sender, Bye()))
            case Beat() if seat is not None:
                self._out.append(Send(sender, Beat(epoch=self._epoch)))
            case _ if isinstance(seat, AgentSeat):
                self._from_agent(seat, message, now)
            case _ if isinstance(seat, CallerSeat):
                self._from_caller(seat, message, now)
            case _:
                self._out.append(Send(sender, Stranger()))

    def unsent(self, failed: list[Send], now: float) -> None:
        """Act on messages that could not be sent: their receivers are gone or do not read.

        All of a batch at once: an order that was never sent must not count as lost with its agent.
        """
        orders = [(s.to, s.message.order) for s in failed if isinstance(s.message, Deliver)]
        for to, order in orders:
            self._dispatch.undelivered(to, order)
        for send in failed:
            self.gone(send.to, now)
        for agent in {order.agent for _, order in orders}:
            self._dispatch.pump(agent)

    def gone(self, identity: bytes, now: float) -> None:
        """Forget a peer and deal with what it leaves behind."""
        seat = self._roster.find(identity)
        if seat is None:
            return
        self._roster.leave(identity)
        if isinstance(seat, AgentSeat):
            self._dispatch.agent_lost(seat)
            self._dispatch.pump(seat.agent)
        else:
            self._dispatch.caller_left(seat, now)

    def next_due(self) -> float:
        """Return when `tick` is needed next."""
        return min(self._next_check, self._dispatch.next_alarm())

    def tick(self, now: float) -> None:
        """Act on deadlines and on silence."""
        self._dispatch.tick(now)
        if now >= self._next_check:
            self._next_check = now + self._settings.heartbeat / 2
            for identity in self._roster.silent(now, self._settings.patience):
                self.gone(identity, now)

    def _welcome(
        self, sender: bytes, user: str, hello: AgentHello | CallerHello, now: float
    ) -> None:
        if hello.protocol != PROTOCOL:
            why = f"protocol {hello.protocol!r}; this broker speaks {PROTOCOL!r}: use one release"
            self._complain(sender, "denied", why)
            self._out.append(Send(sender, Denied(reason=f"The hello names {why}.")))
            return
        seat = self._roster.find(sender) or self._seat(sender, user, hello, now)
        if seat is None:
            return
        welcome = Welcome(
            epoch=self._epoch,
            session=seat.session,
            control=self._control,
            heartbeat=self._settings.heartbeat,
            patience=self._settings.patience,
        )
        self._out.append(Send(sender, welcome))
        if isinstance(seat, AgentSeat):
            self._dispatch.pump(seat.agent)

    def _seat(
        self, sender: bytes, user: str, hello: AgentHello | CallerHello, now: float
    ) -> AgentSeat | CallerSeat | None:
        if len(self._roster) >= self._settings.peers:
            self._complain(sender, "flood", f"{self._settings.peers} peers are registered")
            return None
        session = f"{self._epoch}-{next(self._sessions)}"
        seat: AgentSeat | CallerSeat
        if isinstance(hello, CallerHello):
            seat = CallerSeat(sender, user, session, hello.mission, now)
        else:
            if not self._vacate(sender, user, hello, now):
                return None
            seat = AgentSeat(
                sender, user, session, hello.agent, hello.instance, hello.capacity, now
            )
        self._roster.join(seat)
        return seat

    def _vacate(self, sender: bytes, user: str, hello: AgentHello, now: float) -> bool:
        """Clear the seat of a former connection; a namesake that lives keeps it."""
        former = self._roster.namesake(hello.agent, hello.instance)
        if former is None:
            return True
        if user != former.user or now - former.heard < 2 * self._settings.heartbeat:
            why = f"agent {hello.agent!r} instance {hello.instance!r} is registered elsewhere"
            self._complain(sender, "conflict", why)
            return False
        self.gone(former.identity, now)
        return True

    def _from_agent(self, seat: AgentSeat, message: ToBroker, now: float) -> None:
        if not isinstance(message, Report):
            self._expel(seat.identity, f"an agent sent a {type(message).__name__}", now)
            return
        if message.session != seat.session:
            # From before a reconnect: those orders were written off then.
            self._complain(seat.identity, "stale", f"report of order {message.order!r}")
            return
        outcome = message.outcome
        if isinstance(outcome, Answered):
            outcome = Answered(
                text=outcome.text,
                usage=outcome.usage,
                model=outcome.model,
                seconds=outcome.seconds,
                instance=seat.instance,
            )
        key = JobKey(message.mission, message.order)
        if not self._dispatch.report(seat, key, outcome):
            self._expel(seat.identity, f"it was never given order {message.order!r}", now)

    def _from_caller(self, seat: CallerSeat, message: ToBroker, now: float) -> None:
        match message:
            case Submit(order=order) if order.mission == seat.mission:
                if self._current(seat, message.epoch):
                    self._dispatch.submit(seat, order, message.round, now)
            case OpenRound() if message.mission == seat.mission:
                if self._current(seat, message.epoch) and not self._dispatch.open_round(
                    seat, message, now
                ):
                    self._expel(seat.identity, "it opened too many rounds", now, "flood")
            case Cancel() if message.mission == seat.mission:
                key = JobKey(message.mission, message.order)
                self._dispatch.cancel(key, message.reason, now)
            case Halt() if message.mission == seat.mission:
                self._dispatch.halt(message, now)
            case _:
                kind = type(message).__name__
                self._expel(
                    seat.identity, f"a {kind} that mission {seat.mission!r} may not send", now
                )

    def _current(self, seat: CallerSeat, epoch: str) -> bool:
        if epoch == self._epoch:
            return True
        self._complain(seat.identity, "stale", "a message meant for a former broker")
        return False

    def _expel(self, identity: bytes, why: str, now: float, cause: Cause = "lie") -> None:
        self._complain(identity, cause, why)
        self._out.append(Send(identity, Denied(reason=f"The broker dropped this peer: {why}.")))
        self.gone(identity, now)
        self._barred[identity] = None
        if len(self._barred) > _BARRED:
            self._barred.popitem(last=False)

    def _complain(self, identity: bytes, cause: Cause, why: str) -> None:
        self._out.append(Complain(identity, cause, why))
