"""Orders from arrival to outcome: least loaded agent, queue, deadline, cancel, loss, debate rounds.

Pure: time is an argument, and what is to be sent is put into `out`. An order is delivered at most
once; whatever happens after the delivery ends in an outcome that says whether it may be billed.
"""

import heapq
from itertools import count
from typing import Literal

from hekaton_runtime.bus.actions import Action, Publish, Send
from hekaton_runtime.bus.messages import (
    Answered,
    Cancel,
    Deliver,
    Faulted,
    Halt,
    OpenRound,
    Order,
    Outcome,
    Reply,
    RoundClosed,
)
from hekaton_runtime.bus.orders import Job, Memory, Queues, RoundKey
from hekaton_runtime.bus.roster import AgentSeat, CallerSeat, JobKey, Roster
from hekaton_runtime.bus.rounds import Round, close, hear, open_round, verdict
from hekaton_runtime.bus.settings import BusSettings
from hekaton_runtime.results import FailureKind

_Alarm = Literal["deadline", "grace", "round"]


def fault(kind: FailureKind, detail: str, billed: bool) -> Faulted:
    """Make a fault whose usage nobody knows."""
    return Faulted(kind=kind, detail=detail, usage=None, billed=billed)


class Dispatch:
    """Every unanswered order and open round of one broker."""

    def __init__(self, settings: BusSettings, roster: Roster, out: list[Action]) -> None:
        self._settings = settings
        self._roster = roster
        self._out = out
        self._jobs: dict[JobKey, Job] = {}
        self._queues = Queues(settings.queue)
        self._rounds: dict[RoundKey, Round] = {}
        self._owners: dict[RoundKey, bytes] = {}
        self._outcomes = Memory[Outcome](settings.remembered, settings.remembered_bytes)
        self._closed = Memory[RoundClosed](settings.remembered, settings.remembered_bytes)
        self._alarms: list[tuple[float, int, _Alarm, tuple[str, str]]] = []
        self._ticket = count()

    def submit(self, seat: CallerSeat, order: Order, round_name: str, now: float) -> None:
        """Take an order; one that is known already is attached to, or answered again."""
        key = JobKey(order.mission, order.id)
        named = RoundKey(order.mission, round_name)
        state = self._rounds.get(named)
        rounded = named if state is not None and order.id in state.outstanding else None
        if (known := self._outcomes.find(key)) is not None:
            told = known if rounded is None else self._into_round(rounded, order, known)
            self._out.append(Send(seat.identity, Reply(order=order.id, outcome=told)))
            if rounded is not None:
                self._release(rounded)
        elif (job := self._jobs.get(key)) is not None:
            self._forget_caller(job)
            job.caller = seat.identity
            job.round = job.round or rounded
            seat.unanswered.add(key)
        else:
            job = Job(key, order, seat.identity, rounded, now + order.seconds)
            self._accept(seat, job)

    def _accept(self, seat: CallerSeat, job: Job) -> None:
        key, order = job.key, job.order
        full = len(seat.unanswered) >= self._settings.unanswered
        self._jobs[key] = job
        seat.unanswered.add(key)
        if full:
            why = f"the mission has {self._settings.unanswered} unanswered orders already"
            self._finish(job, fault("unavailable", why, False))
        elif not self._queues.push(order.agent, key):
            why = f"{self._settings.queue} orders wait for agent {order.agent!r} already"
            self._finish(job, fault("unavailable", why, False))
        else:
            self._alarm(job.deadline, "deadline", key)
            self.pump(order.agent)

    def pump(self, agent: str) -> None:
        """Deliver waiting orders while an instance has room."""
        while (seat := self._roster.choose(agent)) is not None:
            key = self._queues.pop(agent)
            if key is None:
                return
            job = self._jobs[key]
            job.agent = seat.identity
            self._roster.deliver(seat, key)
            self._out.append(Send(seat.identity, Deliver(order=job.order)))

    def undelivered(self, identity: bytes, order: Order) -> None:
        """Take back an order that could not be sent: nobody has seen it."""
        key = JobKey(order.mission, order.id)
        if (seat := self._roster.agent(identity)) is not None:
            seat.delivered.discard(key)
        job = self._jobs.get(key)
        if job is None or job.agent != identity:
            return
        job.agent = None
        if job.cancelled:
            self._finish(job, fault("unavailable", f"cancelled: {job.cancelled}", False))
        else:
            self._queues.put_back(order.agent, key)

    def report(self, seat: AgentSeat, key: JobKey, outcome: Outcome) -> bool:
        """Take an agent's outcome; False when that order is not in its hands."""
        if key not in seat.delivered:
            return False
        seat.delivered.remove(key)
        job = self._jobs.get(key)
        if job is not None:
            self._finish(job, outcome)
        self.pump(seat.agent)
        return True

    def cancel(self, key: JobKey, reason: str, now: float) -> None:
        """Stop an order; what was never delivered costs nothing."""
        job = self._jobs.get(key)
        if job is None or job.cancelled:
            return
        job.cancelled = reason
        if job.agent is None:
            self._queues.remove(job.order.agent, key)
            self._finish(job, fault("unavailable", f"cancelled before delivery: {reason}", False))
            return
        cancel = Cancel(mission=key.mission, order=key.order, reason=reason)
        self._out.append(Send(job.agent, cancel))
        self._alarm(now + self._settings.grace, "grace", key)

    def halt(self, halt: Halt, now: float) -> None:
        """Stop a mission: on the control channel, and for each order directly.

        The two channels are not ordered to each other: a halt may overtake the delivery of the
        order it should stop, the direct cancel cannot.
        """
        self._out.append(Publish(halt))
        for key in [key for key in self._jobs if key.mission == halt.mission]:
            self.cancel(key, halt.reason, now)

    def agent_lost(self, seat: AgentSeat) -> None:
        """Answer what a lost agent had in hand; it may have called its model for all of it."""
        for key in sorted(seat.delivered):
            if (job := self._jobs.get(key)) is not None:
                why = f"agent {seat.agent!r} instance {seat.instance!r} was lost with the order"
                self._finish(job, fault("lost", why, True))

    def caller_left(self, seat: CallerSeat, now: float) -> None:
        """Stop what nobody waits for any more."""
        for key in sorted(seat.unanswered):
            self.cancel(key, "the caller left", now)

    def open_round(self, seat: CallerSeat, opened: OpenRound, now: float) -> bool:
        """Open a round, or attach to one that is known; False when the caller has too many open."""
        key = RoundKey(opened.mission, opened.round)
        if (closed := self._closed.find(key)) is not None:
            self._out.append(Send(seat.identity, closed))
            return True
        owned = sum(1 for owner in self._owners.values() if owner == seat.identity)
        if owned >= self._settings.open_rounds:
            return False
        self._owners[key] = seat.identity
        if key not in self._rounds:
            self._rounds[key] = open_round(opened, now)
            self._alarm(self._rounds[key].deadline, "round", key)
            self._release(key)
        return True

    def next_alarm(self) -> float:
        """Return when `tick` is needed next."""
        return self._alarms[0][0] if self._alarms else float("inf")

    def tick(self, now: float) -> None:
        """Act on every deadline that has passed."""
        while self._alarms and self._alarms[0][0] <= now:
            _, _, alarm, key = heapq.heappop(self._alarms)
            if alarm == "round":
                self._close_round(RoundKey(*key), now)
            elif (job := self._jobs.get(JobKey(*key))) is not None:
                self._expire(job, alarm, now)

    def _expire(self, job: Job, alarm: Literal["deadline", "grace"], now: float) -> None:
        seconds, agent = job.order.seconds, job.order.agent
        if now < job.deadline if alarm == "deadline" else not job.cancelled:
            return  # the alarm of an earlier order with this id
        if alarm == "grace":
            why = f"cancelled ({job.cancelled}); the agent did not say in time what it cost"
            self._finish(job, fault("unknown", why, True))
        elif job.agent is not None:
            self.cancel(job.key, f"no answer within {seconds:g} s", now)
        else:
            names = self._roster.names()
            why = f"no instance of agent {agent!r} was free within {seconds:g} s"
            if agent not in names:
                known = ", ".join(map(repr, names)) or "none"
                why = f"no agent {agent!r} within {seconds:g} s; known agents: {known}"
            self._queues.remove(agent, job.key)
            self._finish(job, fault("unavailable", why, False))

    def _finish(self, job: Job, outcome: Outcome) -> None:
        del self._jobs[job.key]
        self._forget_caller(job)
        if job.round is not None:
            outcome = self._into_round(job.round, job.order, outcome)
        if isinstance(outcome, Answered) or outcome.billed or outcome.usage is not None:
            # What cost nothing may be tried again under the same id; all else is never repeated.
            self._outcomes.keep(job.key, outcome)
        self._out.append(Send(job.caller, Reply(order=job.key.order, outcome=outcome)))
        if job.round is not None:
            self._release(job.round)

    def _close_round(self, key: RoundKey, now: float) -> None:
        """Close a round whose deadline passed; who is still out has the grace to say its cost."""
        state = self._rounds.get(key)
        if state is None or not state.due(now):
            return
        self._rounds[key] = close(state)
        for name in state.outstanding:
            self._withdraw(key, name, now)
        self._release(key)

    def _withdraw(self, key: RoundKey, name: str, now: float) -> None:
        """Stop a late order; one that was announced and never came cost nothing."""
        job = JobKey(key.mission, name)
        if job in self._jobs:
            self.cancel(job, "the round closed", now)
            return
        never = fault("unavailable", "the order never reached the broker", False)
        self._rounds[key], outcome = hear(self._rounds[key], name, "", never)
        self._out.append(Send(self._owners[key], Reply(order=name, outcome=outcome)))

    def _into_round(self, key: RoundKey, order: Order, outcome: Outcome) -> Outcome:
        """Let a round hear an outcome; return what the caller is told."""
        self._rounds[key], told = hear(self._rounds[key], order.id, order.agent, outcome)
        return told

    def _release(self, key: RoundKey) -> None:
        """Report a round once nothing of it is outstanding."""
        state = self._rounds.get(key)
        if state is None or state.outstanding:
            return
        closed = state.closed or verdict(state)
        del self._rounds[key]
        self._closed.keep(key, closed)
        self._out.append(Send(self._owners.pop(key), closed))

    def _forget_caller(self, job: Job) -> None:
        if (seat := self._roster.caller(job.caller)) is not None:
            seat.unanswered.discard(job.key)

    def _alarm(self, when: float, alarm: _Alarm, key: tuple[str, str]) -> None:
        heapq.heappush(self._alarms, (when, next(self._ticket), alarm, key))
