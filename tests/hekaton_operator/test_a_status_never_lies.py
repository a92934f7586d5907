"""Whatever happens in whatever order, a status says True only of what is true of the latest generation.

Every status is held against the raw objects that the operator knows at that moment, by an oracle that
shares no code with it; and when nothing is left to do, against the cluster itself.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from operator_world import World, crew_pods, formation, mission

from hekaton_operator.names import ATTEMPT, COMPONENT, FORMATION, REVISION
from hekaton_operator.objects import Body, Key
from hekaton_operator.pods import UPDATE_HASH
from hekaton_operator.progress import Progress

NAMES = ("a", "b", "c")
CREW = Key("Formation", "team", "crew")
Deed = Callable[["Witness", random.Random], None]


class Witness(World):
    """Looks at every status before it is written."""

    told = 0

    async def apply_status(self, key: Key, status: Mapping[str, Any]) -> Body:
        seen = self.store.get(key)
        assert seen is not None, f"{key}: a status of what is not known"
        generation = seen["metadata"]["generation"]
        assert status["observedGeneration"] == generation
        for each in status["conditions"]:
            assert each["observedGeneration"] == generation, f"{key}: {each['type']} is of another"
        held = {each["type"] for each in status["conditions"] if each["status"] == "True"}
        self.told += bool(held & {"Ready", "Serving", "Succeeded"})
        if key.kind == "Formation":
            self.formation_is(seen, status, held)
        else:
            self.mission_is(seen, held)
        return await super().apply_status(key, status)

    def formation_is(self, seen: Body, status: Mapping[str, Any], held: set[str]) -> None:
        known = {
            k: b
            for k in self.store.keys(("Pod", "StatefulSet", "ConfigMap"))
            if (b := self.store.get(k))
        }
        pods = [b for k, b in known.items() if k.kind == "Pod" and takes_requests(b)]
        if "Serving" in held:
            assert pods, "serves, and no pod is ready"
        if "Ready" not in held:
            return
        assert not held & {"Reconciling", "Stalled", "SwapInProgress"}
        sets = [b for k, b in known.items() if k.kind == "StatefulSet"]
        assert len(sets) == 1, "ready, and another revision is still there"
        (only,) = sets
        revision = only["metadata"]["name"]
        assert status["revisions"] == {"current": revision}
        assert only["status"]["observedGeneration"] == only["metadata"]["generation"]
        newest = only["status"]["updateRevision"]
        mine = [
            pod for pod in pods
            if pod["metadata"]["labels"][REVISION] == revision and pod["metadata"]["labels"][UPDATE_HASH] == newest
        ]  # fmt: skip
        assert len(mine) >= seen["spec"].get("replicas", 1) > 0, "ready, and pods are missing"
        text = known[Key("ConfigMap", "team", revision)]["data"]["formation.yaml"]
        for role in seen["spec"]["roles"]:
            assert f"name: {role['name']}\n" in text, "ready, and the pods know another generation"
        assert text.count("role: ") == len(seen["spec"]["roles"])

    def mission_is(self, seen: Body, held: set[str]) -> None:
        ends = held & {"Succeeded", "Failed", "Cancelled", "BudgetExhausted"}
        assert len(ends) <= 1
        assert not (ends and "Running" in held)
        uid = seen["metadata"]["uid"]
        rows = [row for name, row in self.rows.items() if name.startswith(uid)]
        if "Succeeded" in ends:
            assert any(row.state == "passed" for row in rows), "succeeded, and nothing passed"
            assert Key("ConfigMap", "team", f"{seen['metadata']['name']}-report") in self.objects
        if "Running" in held:
            assert any(row.state == "running" and row.owned for row in rows)


def takes_requests(pod: Body) -> bool:
    labels = pod["metadata"]["labels"]
    ready = any(
        c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ())
    )
    return ready and labels[COMPONENT] == "formation" and "deletionTimestamp" not in pod["metadata"]


def change(world: Witness, dice: random.Random) -> None:
    """A new generation: other pods, or only another count."""
    names = ["sapper", "auditor", *(["analyst"] if dice.random() < 0.5 else [])]
    roles = [{"name": name, "role": name, "model": "m"} for name in names]
    strategy = dice.choice(["DrainAndSwap", "BlueGreen", "InPlace"])
    world.user(formation(roles=roles, replicas=dice.randrange(3), update={"strategy": strategy}))


def pod(world: Witness, dice: random.Random) -> None:
    """A pod becomes ready, or no longer is."""
    if pods := crew_pods(world):
        world.pod_ready(dice.choice(pods), dice.random() < 0.8)


def lose(world: Witness, dice: random.Random) -> None:
    """Somebody deletes a child, or a pod."""
    there = sorted(k for k in world.objects if k.kind not in ("Formation", "Mission"))
    if there:
        world.remove(dice.choice(there))


def order(world: Witness, dice: random.Random) -> None:
    """A mission comes, or changes its mind."""
    name = dice.choice(NAMES)
    old = world.objects.get(Key("Mission", "team", name), {}).get("spec", {})
    cancel = bool(old.get("cancel")) or dice.random() < 0.15
    world.user(mission(name, cancel=cancel, suspend=dice.random() < 0.2, retries=1))


def leave(world: Witness, dice: random.Random) -> None:
    world.remove(Key("Mission", "team", dice.choice(NAMES)))


def row(world: Witness, dice: random.Random) -> None:
    """A conductor goes on, ends or loses its lease."""
    jobs = [b for k, b in sorted(world.objects.items()) if k.kind == "Job"]
    if not jobs:
        return
    job = dice.choice(jobs)
    (owner,) = job["metadata"]["ownerReferences"]
    attempt = job["metadata"]["labels"][ATTEMPT]
    name = owner["uid"] if attempt == "0" else f"{owner['uid']}-r{attempt}"
    before = world.rows.get(name)
    if before is None or not before.over:
        state = dice.choice(["running", "running", "passed", "failed"])
        world.row_is(Progress(name, state, owned=dice.random() < 0.8, started=world.now))


def restart(world: Witness, _: random.Random) -> None:
    """The operator begins anew, and knows nothing but what it lists."""
    world.restart()


DEEDS: tuple[Deed, ...] = (change, pod, pod, lose, order, order, leave, row, row, restart)


def at_rest(world: Witness) -> None:
    """When nothing is left to do, True is said exactly where it is so."""
    body = world.objects[CREW]
    pods = [world.objects[key] for key in crew_pods(world)]
    wanted = body["spec"].get("replicas", 1)
    swapping = world.condition(CREW, "SwapInProgress")["status"] == "True"
    assert not swapping or sum(key.kind == "StatefulSet" for key in world.objects) > 0
    for kind, wants in (("Ready", max(1, wanted)), ("Serving", 1)):
        claim = world.condition(CREW, kind)
        assert claim["observedGeneration"] == body["metadata"]["generation"]
        so = sum(takes_requests(pod) for pod in pods) >= wants
        so = so and (kind != "Ready" or (wanted > 0 and not swapping))  # the old one still drains
        assert (claim["status"] == "True") == so, f"{kind} is {claim['status']}: {claim['message']}"
    for key in [k for k in world.objects if k.kind == "Mission"]:
        assert (
            world.status(key)["observedGeneration"] == world.objects[key]["metadata"]["generation"]
        )


async def play(deeds: list[int], seed: int) -> Witness:
    world, dice = Witness(), random.Random(seed)
    world.user(formation())
    for number in deeds:
        DEEDS[number](world, dice)
        for _ in range(dice.randrange(4)):
            world.now += dice.random()
            if dice.random() < 0.7:
                world.deliver(dice)
                world.controllers()
            await world.step()
    await world.settle()
    at_rest(world)
    world.queue.close()
    return world


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, len(DEEDS) - 1), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_true_is_said_only_of_what_is_true_of_the_latest_generation(
    deeds: list[int], seed: int
) -> None:
    asyncio.run(play(deeds, seed))


async def test_the_witness_sees_ready_serving_and_succeeded() -> None:
    """The property above would hold of an operator that never says True."""
    world = Witness()
    world.user(formation())
    await world.settle()
    for each in crew_pods(world):
        world.pod_ready(each)
    key = world.user(mission("a"))
    await world.settle()
    uid = world.objects[key]["metadata"]["uid"]
    world.row_is(Progress(uid, "passed", started=world.now))
    await world.settle()
    assert world.condition(CREW, "Ready")["status"] == "True"
    assert world.condition(key, "Succeeded")["status"] == "True"
    assert world.told >= 2
    assert world.pods(FORMATION, "crew")
    world.queue.close()
