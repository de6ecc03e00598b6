"""The faults: every invariant has one, each shows, and without one nothing is ever wrong.

Whether a fault is found is the checker's test. Here: that it changes what a client sees.
"""

from functools import partial
from itertools import chain

import pytest

from fakes.graph_server.bugs import Bug
from outrigger_loadtests.client.transport import StreamSilent

INVARIANTS = [
    *(f"G{number}" for number in range(1, 13)),
    *(f"R{number}" for number in range(1, 6)),
    *(f"E{number}" for number in range(1, 7)),
    *(f"I{number}" for number in range(1, 9)),
    *(f"B{number}" for number in range(1, 7)),
    "X1",
    *(f"C{number}" for number in range(1, 5)),
    "H1",
]
STRATEGIES = ("reject", "enqueue", "interrupt", "rollback")
PROBES = ("probe_async", "probe_sync", "probe_cleanup", "probe_swallow", "probe_blocking")


def read(world, run, after="-1"):
    """Read a run's stream; one that falls silent is a sight, too."""
    try:
        return world.read(world.stream(run, after, timeout=25.0))
    except StreamSilent:
        world.transcript.append(("SILENT", run, 0, b""))
        return []


def look(world, thread):
    world.rest(thread)
    for run in world.runs(thread):
        world.call("GET", f"{thread}/runs/{run['run_id']}/join")
        lines = read(world, f"{thread}/runs/{run['run_id']}")
        ids = [line[4:-2] for line in lines if line.startswith("id: ")]
        if len(ids) > 2:
            read(world, f"{thread}/runs/{run['run_id']}", ids[1])
    world.clock.sleep(2.0)
    for path in (thread, f"{thread}/state", f"{thread}/runs?limit=100"):
        world.get(path)
    world.call("POST", f"{thread}/history", {"limit": 100})


def texts(world, thread, strategy):
    """One after another, at rest and over a run, and many at once; watched."""
    for together in (1, 4):
        world.create(thread, strategy, seconds=0.5)
        world.rest(thread)
        victim = world.create(thread, seconds=0.5)
        world.clock.sleep(0.2)
        reading = world.clock.start(partial(read, world, victim))
        joining = world.clock.start(partial(world.call, "GET", f"{victim}/join"))
        world.storm(thread, strategy, together, seconds=0.4)
        for _ in range(5):
            world.status(victim)
            world.get(thread)
            world.clock.sleep(0.1)
        world.create(thread, strategy)
        reading.join()
        joining.join()
    look(world, thread)


def cancels(world, thread):
    for action in ("interrupt", "rollback"):
        for wait in (0, 1):
            run = world.create(thread, seconds=1.0)
            world.clock.sleep(0.3)
            world.call("POST", f"{run}/cancel?action={action}&wait={wait}")
            world.status(run)
            world.rest(thread)
            world.call("POST", f"{run}/cancel?action={action}")
    look(world, thread)


def answers(world, thread):
    world.create(thread, ask=True, linger=1.0)
    world.rest(thread)
    withdrawn = world.create(thread, resume="x1-0-90")
    world.clock.sleep(0.3)
    world.call("POST", f"{withdrawn}/cancel?action=rollback&wait=1")
    world.create(thread, resume="x1-0-91")
    world.create(thread, resume="x1-0-92")
    look(world, thread)


def transcript(world):
    def talk() -> None:
        other = world.thread()
        world.storm(other, "enqueue", 3)
        for strategy in STRATEGIES:
            texts(world, world.thread(), strategy)
        cancels(world, world.thread())
        answers(world, world.thread())

    world.clock.run(talk)
    return world.transcript


def test_every_invariant_has_a_bug_and_every_bug_an_invariant() -> None:
    assert {bug.invariant for bug in Bug} == set(INVARIANTS)
    assert len(INVARIANTS) == 43


@pytest.fixture(scope="module")
def correct():
    return {}


@pytest.mark.parametrize("bug", Bug, ids=lambda bug: bug.name)
def test_a_bug_changes_what_a_client_sees(new_world, correct, bug) -> None:
    if not correct:
        correct["transcript"] = transcript(new_world(1))
    world = new_world(1, frozenset({bug}))
    seen = transcript(world)
    assert seen != correct["transcript"]


def random_texts(world, thread):
    """A few messages, cancels and answers at random moments; the tokens of refused ones."""
    refused = []
    for _ in range(world.random.randint(2, 7)):
        token = f"x1-0-{world.tokens}"
        run = world.create(
            thread,
            world.random.choice(STRATEGIES),
            seconds=world.random.choice((0.0, 0.2, 3.0)),
            probe=world.random.choice(PROBES),
            ask=world.random.random() < 0.2,
            after_seconds=world.random.choice((0, 0, 0, 1.0)),
        )
        if not run:
            refused.append(token)
        elif world.random.random() < 0.3:
            world.clock.sleep(world.random.uniform(0, 0.4))
            action = world.random.choice(("interrupt", "rollback"))
            world.call("POST", f"{run}/cancel?action={action}&wait=1")
        world.clock.sleep(world.random.choice((0.0, 0.0, 0.3, 2.0)))
    return refused


@pytest.mark.parametrize("start", range(0, 400, 100))
def test_a_correct_server_leaves_every_conversation_in_order(new_world, start) -> None:
    for seed in range(start, start + 100):
        world = new_world(seed)

        def talk(world=world) -> None:
            thread = world.thread()
            refused = random_texts(world, thread)
            shown = world.rest(thread)
            assert shown["status"] in ("idle", "interrupted")
            check_at_rest(world, thread, shown, refused)

        world.clock.run(talk)


def check_at_rest(world, thread, shown, refused):
    runs, history = world.runs(thread), world.history(thread)
    assert {run["status"] for run in runs} <= {"success", "interrupted"}
    parents = [each["parent_checkpoint_id"] for each in history]
    assert parents == [None, *(each["checkpoint_id"] for each in history[:-1])][: len(history)]
    log = world.get(f"{thread}/state")["values"].get("log", [])
    assert (shown["values"] or {"log": []}).get("log", []) == log
    contributions = [kept_marks(run, history, log) for run in runs]
    written = sorted(
        (each for each in contributions if each), key=lambda marks: log.index(marks[0])
    )
    assert list(chain.from_iterable(written)) == log
    assert not any(mark.startswith(f"{token}:") for token in refused for mark in log)
    gone = {each["metadata"]["run_id"] for each in history} - {run["run_id"] for run in runs}
    assert not gone


def kept_marks(run, history, log):
    given = run["kwargs"]["input"]
    steps = ("input", "first", "middle") if given["ask"] else ("input", "first", "middle", "last")
    marks = [mark for mark in log if mark.startswith(f"{given['token']}:")]
    whole = [f"{given['token']}:{step}" for step in steps]
    assert marks == whole if run["status"] == "success" else marks == whole[: len(marks)]
    return marks
