"""Debates: when they open, who hears whom, who decides, and what a plain vote would have chosen."""

from typing import Any

import pytest

from hekaton_runtime.answers import Ballot, FileChange, Patch, Proposal
from hekaton_runtime.effects import Ask
from hekaton_runtime.results import Failed
from hekaton_runtime.strategies.counterfactual import effect
from hekaton_runtime.strategies.values import Debate, DebateRound


def never(ask: Ask) -> bool:
    return False


def revised(ask: Ask) -> bool:
    """Right only after hearing others."""
    return ask.brief.step == "repair" and ask.answer == "patch" and bool(ask.brief.heard)


def test_an_answer_that_passes_ends_the_debate_before_it_opens(stage: Any) -> None:
    on = stage(lambda ask: None, right=lambda ask: ask.agent == "r2")
    end = on.run("debate")
    assert len(end.debate.rounds) == 1
    assert end.debate.why == "acceptance decides: an answer passed"
    assert dict(end.debate.seats)[end.debate.winner] == "r2"
    assert on.asked("vote") == []
    assert end.outcome == "passed"


def test_answers_that_agree_are_not_debated(stage: Any) -> None:
    same = Patch(files=(FileChange(path="a.py", content="wrong"),))
    on = stage(lambda ask: same if ask.answer == "patch" else None)
    end = on.run("debate", max_loops=0)
    assert (len(end.debate.rounds), end.debate.why) == (1, "the answers agree")
    assert on.asked("vote") == []


def test_a_debate_opens_where_answers_differ_and_none_passes(stage: Any) -> None:
    on = stage(right=revised)
    end = on.run("debate", debate_rounds=1)
    assert len(end.debate.rounds) == 2
    assert end.outcome == "passed"
    assert effect(end.debate) == "changed wrong to right"


def test_peers_see_files_and_evidence_and_never_names(stage: Any) -> None:
    on = stage(right=never)
    on.run("debate", max_loops=0)
    heard = [one for ask in on.asked("repair") for one in ask.brief.heard]
    assert all("Acceptance failed" in one.text and "a.py:" in one.text for one in heard)
    assert not any(name in one.text for one in heard for name in ("r1", "r2", "architect"))


def test_aliases_are_drawn_and_journaled(stage: Any) -> None:
    seen = set()
    for seed in range(12):
        on = stage(right=never, seed=seed)
        seen.add(on.run("debate", max_loops=0).debate.seats)
        count = len(on.seen)
        assert on.run("debate", max_loops=0).debate.seats in seen
        assert len(on.seen) == count, "a replay draws nothing anew"
    assert len(seen) > 1


@pytest.mark.parametrize(
    ("topology", "heard"),
    [("all-to-all", [2, 2, 2]), ("ring", [1, 1, 1]), ("star", [2, 1, 1]), ("pairs", [2, 2, 2]), ("pipeline", [0, 1, 1])],
)  # fmt: skip
def test_a_topology_decides_who_hears_whom(stage: Any, topology: str, heard: list[int]) -> None:
    on = stage(right=never)
    end = on.run("debate", topology=topology, max_loops=0)
    asks = [ask for held in on.rounds() for ask in held.asks if ask.brief.step == "repair"]
    assert [len(ask.brief.heard) for ask in asks] == heard
    assert end.debate.topology == topology


def test_in_a_pipeline_one_hears_what_the_one_before_said_in_this_round(stage: Any) -> None:
    def script(ask: Ask) -> Any:
        turn = "revised" if ask.brief.heard or "Your own" in str(ask.brief.notes) else "first"
        return Proposal(approach=f"{ask.agent} {turn}") if ask.answer == "proposal" else None

    on = stage(script)
    on.run("swarm", topology="pipeline", debate_rounds=1)
    last = [ask for held in on.rounds() for ask in held.asks if ask.agent == "architect"][-2]
    assert last.brief.heard[0].text == "r2 revised"


def swarm_ballots(choices: dict[str, str]) -> Any:
    """A swarm whose seats propose differently and always vote as told, by approach."""

    def script(ask: Ask) -> Any:
        if ask.answer == "ballot" and ask.agent in choices:
            wanted = choices[ask.agent]
            return Ballot(choice=next(h.alias for h in ask.brief.heard if wanted in h.text))
        return None

    return script


SPLIT = {"r1": "as r1", "r2": "as r2", "architect": "as architect"}


def approach(end: Any) -> str:
    return str(end.debate.approach)


@pytest.mark.parametrize(("rounds", "held"), [(0, 1), (1, 2), (3, 4)])
def test_max_rounds_are_rounds_of_critique_and_none_is_a_plain_vote(
    stage: Any, rounds: int, held: int
) -> None:
    end = stage(swarm_ballots(SPLIT)).run("swarm", debate_rounds=rounds)
    assert len(end.debate.rounds) == held


def test_consensus_stops_a_debate(stage: Any) -> None:
    end = stage(swarm_ballots(dict.fromkeys(SPLIT, "as r2"))).run("swarm", debate_rounds=5)
    assert (len(end.debate.rounds), end.debate.why) == (1, "consensus: all ballots for one")


def test_the_auditor_decides_where_it_is_the_arbiter(stage: Any) -> None:
    choices = {**dict.fromkeys(SPLIT, "as r2"), "architect": "as r1", "auditor": "as architect"}
    end = stage(swarm_ballots(choices)).run("swarm", arbiter="auditor", debate_rounds=0)
    assert approach(end) == "as architect says"
    assert end.debate.why.endswith("the auditors decided")
    assert dict(end.debate.seats)[end.debate.rounds[0].winner] == "r2", "the plain vote is kept"


def test_a_mute_auditor_leaves_the_vote_as_it_is(stage: Any) -> None:
    def script(ask: Ask) -> Any:
        if ask.agent == "auditor" and ask.answer == "ballot":
            return Failed(kind="rejected", detail="no")
        return swarm_ballots({**SPLIT, "r1": "as r2"})(ask)

    end = stage(script).run("swarm", arbiter="auditor", debate_rounds=0)
    assert approach(end) == "as r2 says"
    assert "no auditor gave a usable ballot" in end.debate.why


def test_evidence_first_builds_each_proposal_and_what_passes_wins(stage: Any) -> None:
    def right(ask: Ask) -> bool:
        return "as architect" in str(ask.brief.notes)

    on = stage(swarm_ballots({**SPLIT, "r1": "as r2"}), right=right)
    end = on.run("swarm", arbiter="evidence", debate_rounds=0)
    assert approach(end) == "as architect says"
    assert effect(end.debate) == "changed wrong to right"
    assert (end.outcome, end.reviewed) == ("passed", True)
    assert on.asked("scaffold") == [], "what passes acceptance is not planned any more"


def test_without_any_passing_prototype_the_vote_stands(stage: Any) -> None:
    on = stage(swarm_ballots({**SPLIT, "r1": "as r2"}), right=never)
    end = on.run("swarm", arbiter="evidence", debate_rounds=0, max_loops=0)
    assert approach(end) == "as r2 says"
    assert len(on.asked("scaffold")) == 1


def test_a_debater_who_falls_silent_keeps_what_it_said(stage: Any) -> None:
    def script(ask: Ask) -> Any:
        late = ask.agent == "r1" and ask.brief.step == "repair"
        return Failed(kind="late", detail="closed") if late else None

    end = stage(script, right=never).run("debate", max_loops=0)
    first, last = (dict(one.proposals) for one in end.debate.rounds)
    assert set(first) == set(last)


def test_quorum_and_deadline_are_the_round_s(stage: Any) -> None:
    on = stage(right=never)
    on.run("debate", quorum=2, round_seconds=7.0, max_loops=0)
    assert {(held.quorum, held.seconds) for held in on.rounds()} == {(2, 7.0)}


def debated(passed: tuple[tuple[bool, bool], tuple[bool, bool]] | None, winner: str) -> Debate:
    """A and B in two rounds, the plain vote for A."""
    both = passed or ((), ())
    rounds = tuple(
        DebateRound((("A", f"a{n}"), ("B", "b")), (), "A", tuple(zip("AB", tried, strict=False)))
        for n, tried in enumerate(both)
    )
    return Debate(rounds, (), winner, "")


@pytest.mark.parametrize(
    ("passed", "winner", "said"),
    [
        (((True, False), (True, False)), "B", "changed right to wrong"),
        (((False, True), (False, True)), "B", "changed wrong to right"),
        (((False, False), (False, False)), "B", "changed the choice; acceptance fails for both"),
        (None, "B", "changed the choice; acceptance was run on neither side"),
    ],
)
def test_what_a_debate_changed_is_told_as_far_as_acceptance_can_tell(
    passed: Any, winner: str, said: str
) -> None:
    assert effect(debated(passed, winner)) == said
