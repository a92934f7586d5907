"""The modes as generators: fed with results by hand, no network, no clock, no database."""

from typing import Any

import msgspec
import pytest

from hekaton_runtime.answers import (
    Ballot,
    Design,
    FileChange,
    Patch,
    Plan,
    Proposal,
    Review,
    Task,
    Triage,
    Views,
)
from hekaton_runtime.effects import (
    Ask,
    Merge,
    Next,
    Note,
    Read,
    Round,
    Run,
    Spawn,
    Strategy,
    Wish,
    Write,
)
from hekaton_runtime.results import (
    Answer,
    Failed,
    Files,
    HeardAll,
    Merged,
    Noted,
    Ran,
    Refused,
    Written,
)
from hekaton_runtime.strategies.modes import concluded
from hekaton_runtime.strategies.steps import OutOfBudget, Unanswered
from hekaton_runtime.strategies.values import Assignment, Conclusion, Rules, Seat, Team

TEAM = Team(
    (
        Seat("analyst", "analyst"),
        Seat("r1", "researcher"),
        Seat("r2", "researcher"),
        Seat("architect", "architect"),
        Seat("s1", "sapper"),
        Seat("s2", "sapper"),
        Seat("auditor", "auditor"),
    )
)
TASKS = (Task(id="a", goal="do a"), Task(id="b", goal="do b", needs=("a",)))
GOOD = Review(correctness=9, style=8, security=9, test_coverage=8, summary="fine")
BAD = Review(correctness=3, style=8, security=9, test_coverage=2, summary="wrong")


def assignment(**rules: Any) -> Assignment:
    return Assignment("reach it", ("make test",), 60.0, TEAM, Rules(**rules))


class World:
    """Answers effects from a script; whatever is not scripted goes well."""

    def __init__(self, **scripted: Any) -> None:
        self.scripted = scripted
        self.seen: list[Wish] = []

    def drive(self, strategy: Strategy) -> Any:
        """Run a strategy to its end; branches run to their end when they are waited for."""
        branches: dict[str, Strategy] = {}
        try:
            wish = next(strategy)
            while True:
                self.seen.append(wish)
                try:
                    wish = strategy.send(self.grant(wish, branches))
                except (
                    OutOfBudget,
                    Unanswered,
                ) as fault:  # a branch's, for the one that waits for it
                    wish = strategy.throw(fault)
        except StopIteration as end:
            return end.value

    def grant(self, wish: Wish, branches: dict[str, Strategy]) -> Any:
        match wish:
            case Spawn(name=name, body=body):
                branches[name] = body
                return None
            case Next(names=names):
                return names[0], self.drive(branches.pop(names[0]))
            case _:
                return self.result(wish)

    def result(self, effect: Wish) -> Any:
        match effect:
            case Ask(agent=agent, answer=kind):
                return self.answer(kind, agent)
            case Round(asks=asks):
                answers = tuple(self.answer(ask.answer, ask.agent) for ask in asks)
                return HeardAll(answers=answers, quorate=True, head="h")
            case Read():
                return Files(tree=("x.py",), files=())
            case Write():
                return self.next("write", Written(commit="c", changed=True))
            case Run(acceptance=acceptance):
                good = Ran(passed=True, command="make test", exit_code=0, output="ok", seconds=1)
                return self.next("verify" if acceptance else "check", good)
            case Merge():
                return self.next("merge", Merged(commit="c"))
            case Note():
                return Noted()
            case _:
                raise AssertionError(effect)

    def answer(self, kind: str, agent: str) -> Any:
        usual = {
            "triage": Triage(trivial=False, complexity="MEDIUM", reason="r"),
            "views": Views(summary="v"),
            "proposal": Proposal(approach=f"as {agent} says"),
            "ballot": Ballot(choice="B"),
            "plan": Plan(summary="p", tasks=TASKS),
            "design": Design(summary="d", tasks=TASKS),
            "patch": Patch(files=(FileChange(path="x.py", content="1"),)),
            "review": GOOD,
        }
        said = self.next(kind, usual[kind])
        if isinstance(said, Refused | Failed):
            return said
        text = said if isinstance(said, str) else msgspec.json.encode(said).decode()
        return Answer(text=text, agent=agent, model="m", tokens=1, micros=1)

    def next(self, name: str, usual: Any) -> Any:
        queue = self.scripted.get(name)
        if not queue:
            return usual
        return queue.pop(0) if isinstance(queue, list) else queue

    def asked(self, step: str) -> list[Ask]:
        return [wish for wish in self.seen if isinstance(wish, Ask) and wish.brief.step == step]


def run(mode: str, world: World, **rules: Any) -> Conclusion:
    concluded_as: Conclusion = world.drive(concluded(mode, assignment(**rules)))
    return concluded_as


FAIL = Ran(passed=False, command="make test", exit_code=1, output="boom", seconds=1)


def test_the_swarm_goes_through_its_phases_in_order() -> None:
    world = World()
    end = run("swarm", world)
    phases = [wish.phase for wish in world.seen if isinstance(wish, Note)]
    assert list(dict.fromkeys(phases)) == [
        "discover",
        "debate",
        "scaffold",
        "architect",
        "build",
        "verify",
        "audit",
    ]
    assert (end.outcome, end.branch, end.reviewed) == ("passed", "result", True)
    assert [task.status for task in end.tasks] == ["merged", "merged"]


def test_a_trivial_mission_skips_the_planning_swarm_and_says_why() -> None:
    world = World(triage=Triage(trivial=True, complexity="LOW", reason="one line"))
    end = run("swarm", world)
    assert end.skipped == "LOW: one line"
    assert world.asked("discover") == []
    assert len(world.asked("build")) == 1


def test_the_ballots_choose_the_approach_that_is_built() -> None:
    world = World()
    end = run("swarm", world)
    assert end.debate is not None
    assert end.debate.winner == "B"
    assert "Chosen approach: as r2 says" in world.asked("scaffold")[0].brief.notes


def test_voters_hear_aliases_and_never_who_is_behind_them() -> None:
    world = World()
    run("swarm", world)
    rounds = [wish for wish in world.seen if isinstance(wish, Round)]
    assert [heard.alias for heard in rounds[1].asks[0].brief.heard] == ["A", "B", "C"]


def test_a_failed_acceptance_is_repaired_from_its_evidence() -> None:
    world = World(verify=[FAIL])
    end = run("swarm", world)
    assert (end.outcome, len(end.loops)) == ("passed", 2)
    assert world.asked("repair")[0].brief.findings[0].evidence == "boom"


def test_a_review_below_the_pass_score_is_repaired_and_looked_at_again() -> None:
    world = World(review=[BAD])
    end = run("swarm", world)
    assert end.outcome == "passed"
    assert [loop.score for loop in end.loops] == [5.0, 8.6]


def test_loops_are_bounded_and_the_failure_is_honest() -> None:
    world = World(verify=[FAIL] * 9)
    end = run("swarm", world, max_loops=2)
    assert (end.outcome, len(end.loops), end.branch) == ("failed", 3, "build")
    assert end.reason == "acceptance fails after 3 tries"


def test_an_unusable_answer_is_asked_again_with_the_complaint() -> None:
    world = World(plan=["{}"])
    run("swarm", world)
    first, second = world.asked("scaffold")
    assert first.brief.complaint == ""
    assert "summary" in second.brief.complaint


def test_tries_with_the_same_complaint_differ_by_their_seed() -> None:
    world = World(plan=["{}", "{}"])
    run("swarm", world)
    assert [ask.sample for ask in world.asked("scaffold")] == [0, 1, 2]


@pytest.mark.parametrize("mode", ["swarm", "single"])
def test_repairs_with_the_same_words_differ_by_their_seed(mode: str) -> None:
    world = World(verify=[FAIL] * 9)
    run(mode, world, max_loops=3)
    samples = [ask.sample for ask in world.asked("repair")]
    assert len(samples) == len(set(samples)) == 3


def test_a_plan_whose_tasks_wait_for_each_other_is_sent_back() -> None:
    ring = (Task(id="a", goal="a", needs=("b",)), Task(id="b", goal="b", needs=("a",)))
    world = World(plan=[Plan(summary="ring", tasks=ring)])
    run("swarm", world)
    assert "wait for each other" in world.asked("scaffold")[1].brief.complaint


@pytest.mark.parametrize("mode", ["swarm", "single"])
def test_an_empty_purse_ends_the_mission_with_the_arithmetic(mode: str) -> None:
    refused = Refused(
        account="mission", needed_tokens=900, left_tokens=10, needed_micros=5, left_micros=1
    )
    end = run(mode, World(patch=refused))
    assert end.outcome == "stopped"
    assert "10 tokens" in end.reason
    assert "up to 900" in end.reason


def test_an_agent_that_never_answers_fails_the_mission_and_not_the_process() -> None:
    end = run("swarm", World(triage=Failed(kind="rejected", detail="no such model")))
    assert (end.outcome, "no such model" in end.reason) == ("failed", True)


def test_a_task_whose_checks_fail_goes_along_unverified_for_acceptance_to_judge() -> None:
    task = Task(id="a", goal="do a", checks=("check",))
    world = World(design=Design(summary="d", tasks=(task,)), check=FAIL)
    end = run("swarm", world, attempts=2)
    assert [(one.status, one.attempts) for one in end.tasks] == [("unverified", 2)]
    assert end.outcome == "passed"


def test_single_asks_one_agent_only() -> None:
    world = World(verify=[FAIL])
    end = run("single", world)
    assert end.outcome == "passed"
    assert {wish.agent for wish in world.seen if isinstance(wish, Ask)} == {"s1"}
    assert end.reviewed is False


def test_without_loops_single_is_one_attempt() -> None:
    end = run("single", World(verify=[FAIL]), max_loops=0)
    assert (end.outcome, len(end.loops)) == ("failed", 1)
