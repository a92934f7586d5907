"""Whole runs on a real database, bus and server."""

from typing import Any

import pytest

from hekaton_runtime.bench.cases import Case
from hekaton_runtime.bench.dataset import Problem
from hekaton_runtime.bench.rows import Row
from hekaton_runtime.bench.working import Left, Reader, check_same
from hekaton_runtime.cli.replaying import rerun
from hekaton_runtime.conductor.work import folder
from hekaton_runtime.errors import BadInput

BOTH = ("single", "swarm")


def rows_of(done: tuple[Row | Left, ...]) -> dict[str, Row]:
    return {one.mission: one for one in done if isinstance(one, Row)}


async def test_able_models_pass_every_task_and_no_prompt_ever_holds_a_hidden_test(
    run: Any, problems: tuple[Problem, ...]
) -> None:
    wanted = run.cases(problems, BOTH, 1.0)
    seen, done = await run.work(wanted)
    rows = rows_of(done)
    assert {row.outcome for row in rows.values()} == {"PASS"}
    assert len(rows) == len(seen.rows) == 6
    assert all(row.first_try and row.tokens > 0 for row in rows.values())
    assert rows["test-small-1-swarm"].complexity == "MEDIUM"
    assert rows["test-small-1-single"].complexity == ""
    prompts = run.heard.prompts
    assert len(prompts) > 40
    assert all(any(one.prompt in prompt for one in problems) for prompt in prompts)
    hidden = ("hidden-mark", "def check", "import_module", "importlib", problems[0].test)
    assert not [prompt for prompt in prompts if any(word in prompt for word in hidden)]
    proof = await run.proof(wanted)
    assert (proof.missions, proof.breaches) == (6, ())
    assert 0 < proof.most_used < 1


async def test_models_that_can_do_nothing_fail_honestly(
    run: Any, problems: tuple[Problem, ...]
) -> None:
    _, done = await run.work(run.cases(problems, ("single",), 0.0))
    rows = rows_of(done)
    assert {row.outcome for row in rows.values()} == {"FAIL"}
    assert {(row.first_try, row.accepted) for row in rows.values()} == {(False, False)}
    assert all(row.loops <= 2 for row in rows.values()), "fewer where repairs change nothing"


async def test_a_budget_too_small_stops_every_task_and_is_never_broken(
    run: Any, problems: tuple[Problem, ...]
) -> None:
    wanted = run.cases(problems, ("single",), 1.0, tokens=5000)
    _, done = await run.work(wanted)
    rows = rows_of(done)
    assert {row.outcome for row in rows.values()} == {"STOPPED"}
    assert all("5000" in row.reason or "5,000" in row.reason for row in rows.values())
    assert not any(row.resumable for row in rows.values())
    assert (await run.proof(wanted)).breaches == ()


async def test_what_ended_is_read_back_as_it_was(run: Any, problems: tuple[Problem, ...]) -> None:
    wanted = run.cases(problems, ("single",), 0.6)
    _, done = await run.work(wanted)
    asked = len(run.heard.prompts)
    reader = Reader(run.database, rerun)
    again = [await reader.row(case) for case in wanted]
    assert {row.mission: row for row in again if row is not None} == rows_of(done)
    assert len(run.heard.prompts) == asked


async def test_an_interrupted_run_goes_on_without_repeating_a_call(
    run: Any, problems: tuple[Problem, ...]
) -> None:
    wanted = run.cases(problems, ("swarm",), 1.0)
    _, done = await run.work(wanted, parallel=2, stop_after=25)
    lefts = [one for one in done if isinstance(one, Left)]
    assert lefts
    assert {one.reason for one in lefts} <= {"the test stops it", "not begun"}
    reader = Reader(run.database, rerun)
    there = await reader.there(wanted)
    begun = [one.case for one in lefts if one.case.record.id in there]
    assert [await reader.row(case) for case in begun] == [None] * len(begun)
    pending = tuple(one.case for one in lefts)
    _, rest = await run.work(pending, parallel=2)
    rows = {**rows_of(done), **rows_of(rest)}
    assert {row.outcome for row in rows.values()} == {"PASS"}
    assert len(rows) == 3
    assert (await run.proof(wanted)).breaches == ()
    settled = await run.database.fetch(
        "select path from hekaton.call where state = 'settled' group by mission_id, path having count(*) > 1"
    )
    assert settled == []


async def test_more_missions_than_connections_work_at_once(
    run: Any, problems: tuple[Problem, ...]
) -> None:
    def numbered(one: Problem, number: int) -> Problem:
        return Problem(
            task_id=f"{one.task_id}/{number}", prompt=one.prompt, entry_point=one.entry_point, test=one.test,
            canonical_solution=one.canonical_solution,
        )  # fmt: skip

    many = tuple(numbered(problems[0], number) for number in range(12))
    seen, done = await run.work(run.cases(many, ("single",), 1.0), parallel=12)
    assert len(rows_of(done)) == 12


async def test_files_of_an_unknown_mission_of_that_name_are_not_built_upon(
    run: Any, problems: tuple[Problem, ...]
) -> None:
    wanted = run.cases(problems[:1], ("single",), 1.0)
    await run.work(wanted)
    await run.database.fetch("delete from hekaton.mission")  # as if the database were another one
    old = folder(wanted[0].record) / "old"
    old.write_text("")
    nothing: tuple[Case, ...] = run.cases(problems[:1], ("single",), 0.0)
    _, done = await run.work(nothing)
    assert not old.exists()
    assert [row.outcome for row in rows_of(done).values()] == ["FAIL"]


async def test_a_name_that_stands_for_another_mission_is_refused(
    run: Any, problems: tuple[Problem, ...]
) -> None:
    wanted = run.cases(problems[:1], ("single",), 1.0)
    await run.work(wanted)
    there = await Reader(run.database, rerun).there(wanted)
    await check_same(run.database, wanted, there)
    with pytest.raises(BadInput, match=r"other arguments \(the options\)"):
        await check_same(run.database, run.cases(problems[:1], ("single",), 0.5), there)
