"""The fake server without a fault: each strategy, cancels, questions and answers."""

import orjson
import pytest

STEPS = ("input", "first", "middle", "last")
PROBES = ("probe_async", "probe_sync", "probe_cleanup", "probe_swallow", "probe_blocking")


def marks(token, *steps):
    return [f"{token}:{step}" for step in steps or STEPS]


def owners(history):
    """The run ids of a history's checkpoints, each stretch of the same once."""
    found = []
    for each in history:
        if not found or found[-1] != each["metadata"]["run_id"]:
            found.append(each["metadata"]["run_id"])
    return found


def run_id(path):
    return path.rpartition("/")[2]


def assert_chain(history):
    parents = [each["parent_checkpoint_id"] for each in history]
    assert parents == [None, *(each["checkpoint_id"] for each in history[:-1])]


def test_a_run_leaves_its_marks_and_five_checkpoints(world) -> None:
    def talk() -> None:
        thread = world.thread()
        run = world.create(thread)
        assert world.status(run) in ("pending", "running")
        assert world.rest(thread)["status"] == "idle"
        assert world.status(run) == "success"
        history = world.history(thread)
        assert_chain(history)
        nexts = [each["next"] for each in history]
        assert nexts == [["__start__"], ["first"], ["middle"], ["last"], []]
        assert world.log(thread) == marks(0)
        assert world.get(thread)["values"] == world.get(f"{thread}/state")["values"]

    world.clock.run(talk)


def test_a_reject_meets_a_run_and_leaves_nothing(world) -> None:
    def talk() -> None:
        thread = world.thread()
        world.create(thread)
        refused = world.call("POST", f"{thread}/runs", world.body("reject"))
        assert (refused.status, orjson.loads(refused.body)["detail"][:26]) == (
            409,
            "Thread is already running ",
        )
        world.rest(thread)
        assert len(world.runs(thread)) == 1
        assert world.log(thread) == marks(0)

    world.clock.run(talk)


@pytest.mark.parametrize("seed", range(5))
def test_of_rejects_sent_together_one_wins(new_world, seed) -> None:
    world = new_world(seed)

    def talk() -> None:
        thread = world.thread()
        assert sum(map(bool, world.storm(thread, "reject", 6))) == 1

    world.clock.run(talk)


def test_enqueued_runs_follow_each_other_in_the_order_they_arrived(world) -> None:
    def talk() -> None:
        thread = world.thread()
        world.storm(thread, "enqueue", 4)
        world.rest(thread)
        rows = world.runs(thread)
        history = world.history(thread)
        assert [row["status"] for row in rows] == ["success"] * 4
        assert owners(history) == [row["run_id"] for row in rows]
        assert_chain(history)
        created = [row["created_at"] for row in rows]
        assert created == sorted(created)

    world.clock.run(talk)


@pytest.mark.parametrize(
    ("probe", "seconds", "kept"),
    [
        ("probe_async", 1.0, ("input", "first")),
        ("probe_sync", 1.0, ("input", "first")),
        ("probe_cleanup", 1.0, ("input", "first")),
        ("probe_swallow", 1.0, ("input", "first", "middle")),
        ("probe_blocking", 1.0, ("input", "first", "middle")),
        ("probe_swallow", 9.0, ("input", "first")),
    ],
)
def test_an_interrupt_keeps_the_victims_finished_steps(world, probe, seconds, kept) -> None:
    def talk() -> None:
        thread = world.thread()
        victim = world.create(thread, probe=probe, seconds=seconds)
        world.clock.sleep(0.3)
        newcomer = world.create(thread, "interrupt")
        world.rest(thread)
        assert (world.status(victim), world.status(newcomer)) == ("interrupted", "success")
        assert world.log(thread) == marks(0, *kept) + marks(1)
        assert_chain(world.history(thread))

    world.clock.run(talk)


def test_a_victim_shows_running_until_it_has_stopped(world) -> None:
    def talk() -> None:
        thread = world.thread()
        victim = world.create(thread, probe="probe_cleanup", seconds=5.0)
        world.clock.sleep(0.3)
        newcomer = world.create(thread, "interrupt", seconds=2.0)
        world.clock.sleep(0.3)
        assert (world.status(victim), world.status(newcomer)) == ("running", "pending")
        world.clock.sleep(0.9)
        assert (world.status(victim), world.status(newcomer)) == ("interrupted", "running")

    world.clock.run(talk)


@pytest.mark.parametrize("probe", PROBES)
def test_a_rollback_leaves_nothing_of_its_victim(world, probe) -> None:
    def talk() -> None:
        thread = world.thread()
        world.create(thread, probe=probe)
        world.rest(thread)
        victim = world.create(thread, probe=probe, seconds=9.0)
        world.clock.sleep(0.3)
        newcomer = world.create(thread, "rollback", probe=probe)
        world.rest(thread)
        assert (world.status(victim), world.status(newcomer)) == ("gone", "success")
        assert world.log(thread) == marks(0) + marks(2)
        history = world.history(thread)
        assert_chain(history)
        assert run_id(victim) not in owners(history)

    world.clock.run(talk)


@pytest.mark.parametrize("strategy", ["interrupt", "rollback"])
def test_of_a_storm_only_the_newest_run_is_left(world, strategy) -> None:
    def talk() -> None:
        thread = world.thread()
        world.storm(thread, strategy, 6, seconds=1.0)
        world.rest(thread)
        *others, newest = world.runs(thread)
        assert newest["status"] == "success"
        left = {"interrupt": ["interrupted"] * 5, "rollback": []}
        assert [row["status"] for row in others] == left[strategy]
        assert_chain(world.history(thread))

    world.clock.run(talk)


def test_the_readers_of_victims_are_told_why_they_end(world) -> None:
    def talk() -> None:
        thread = world.thread()
        for strategy, status in (("interrupt", "interrupted"), ("rollback", "rolled_back")):
            victim = world.create(thread, seconds=5.0)
            stream = world.stream(victim)
            world.clock.sleep(0.3)
            newcomer = world.create(thread, strategy)
            lines = world.read(stream)
            said = orjson.loads(lines[-2].removeprefix("data: "))
            assert said == {
                "run_id": run_id(victim),
                "status": status,
                "superseded_by": run_id(newcomer),
            }
            world.rest(thread)

    world.clock.run(talk)


def test_waiters_get_values_of_an_interrupted_run_and_an_error_for_a_rolled_back_one(world) -> None:
    def talk() -> None:
        thread = world.thread()
        answers = []
        for strategy in ("interrupt", "rollback"):
            victim = world.create(thread, seconds=5.0)
            join = world.clock.start(
                lambda victim=victim: answers.append(world.call("GET", f"{victim}/join"))
            )
            world.clock.sleep(0.3)
            world.create(thread, strategy)
            join.join()
            world.rest(thread)
        assert [each.headers["x-run-status"] for each in answers] == ["interrupted", "rolled_back"]
        interrupted, rolled_back = [orjson.loads(each.body) for each in answers]
        assert interrupted["log"] == [f"x1-0-{each}" for each in marks(0, "input", "first")]
        assert rolled_back["__error__"]["error"] == "UserRollback"

    world.clock.run(talk)


@pytest.mark.parametrize(("action", "left"), [("interrupt", "interrupted"), ("rollback", "gone")])
def test_a_cancel_that_waits_answers_when_the_run_has_stopped(world, action, left) -> None:
    def talk() -> None:
        thread = world.thread()
        run = world.create(thread, probe="probe_cleanup", seconds=5.0)
        world.clock.sleep(0.3)
        before = world.clock.now()
        answer = world.call("POST", f"{run}/cancel?action={action}&wait=1")
        assert (answer.status, answer.body) == (200, b"{}")
        assert world.clock.now() - before > 900_000_000
        assert world.status(run) == left
        again = world.call("POST", f"{run}/cancel?action={action}&wait=0")
        assert again.status == 404

    world.clock.run(talk)


def test_a_question_is_answered_once(world) -> None:
    def talk() -> None:
        thread = world.thread()
        asking = world.create(thread, ask=True)
        assert world.rest(thread)["status"] == "interrupted"
        assert world.status(asking) == "success"
        (question,) = world.get(f"{thread}/state")["interrupts"]
        assert question["value"] == {"token": "x1-0-0"}
        first = world.create(thread, resume="x1-0-8")
        second = world.create(thread, resume="x1-0-9")
        assert world.rest(thread)["status"] == "idle"
        assert (world.status(first), world.status(second)) == ("success", "success")
        assert world.log(thread) == [*marks(0, "input", "first", "middle"), *answered(8)]
        assert owners(world.history(thread)) == [run_id(asking), run_id(first)]

    world.clock.run(talk)


def answered(number):
    return marks(0, f"answer:x1-0-{number}", "last")


def test_the_question_is_open_again_when_its_answer_was_rolled_back(world) -> None:
    def talk() -> None:
        thread = world.thread()
        world.create(thread, ask=True, linger=2.0)
        world.rest(thread)
        before = world.get(f"{thread}/state")
        withdrawn = world.create(thread, resume="x1-0-8")
        world.clock.sleep(0.3)
        world.call("POST", f"{withdrawn}/cancel?action=rollback&wait=1")
        assert world.get(f"{thread}/state") == before
        world.create(thread, resume="x1-0-9")
        world.rest(thread)
        assert world.log(thread) == [*marks(0, "input", "first", "middle"), *answered(9)]

    world.clock.run(talk)


def test_a_new_message_discards_the_question(world) -> None:
    def talk() -> None:
        thread = world.thread()
        world.create(thread, ask=True)
        world.rest(thread)
        world.create(thread)
        assert world.rest(thread)["status"] == "idle"
        assert world.log(thread) == marks(0, "input", "first", "middle") + marks(1)

    world.clock.run(talk)


def test_a_delayed_run_is_in_flight_and_is_overtaken(world) -> None:
    def talk() -> None:
        thread = world.thread()
        delayed = world.create(thread, after_seconds=3.0)
        assert world.create(thread, "reject") == ""
        overtaking = world.create(thread)
        assert world.rest(thread)["status"] == "idle"
        assert owners(world.history(thread)) == [run_id(overtaking), run_id(delayed)]

    world.clock.run(talk)


def test_a_deleted_run_takes_its_checkpoints_along(world) -> None:
    def talk() -> None:
        thread = world.thread()
        first = world.create(thread)
        world.rest(thread)
        second = world.create(thread, seconds=9.0)
        assert world.call("DELETE", second).status == 204
        assert world.call("DELETE", first).status == 204
        assert (world.history(thread), world.runs(thread)) == ([], [])

    world.clock.run(talk)
