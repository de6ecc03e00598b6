"""The simulated clock: order, tasks, errors, and the end."""

import gc

import pytest
from greenlet import greenlet

from fakes.graph_server.clock import Deadlock, Signal, SimulatedClock, TimeRanOut


def test_time_jumps_from_one_sleeper_to_the_next() -> None:
    clock = SimulatedClock(start=0)
    seen: list[tuple[str, int]] = []

    def sleeper(name: str, seconds: float) -> None:
        clock.sleep(seconds)
        seen.append((name, clock.now()))

    def main() -> None:
        tasks = [
            clock.start(lambda: sleeper("late", 2.0)),
            clock.start(lambda: sleeper("soon", 1.0)),
        ]
        for task in tasks:
            task.join()

    clock.run(main)
    assert seen == [("soon", 1_000_000_000), ("late", 2_000_000_000)]


def test_what_is_due_at_the_same_moment_runs_in_the_order_it_was_started() -> None:
    clock = SimulatedClock()
    seen: list[int] = []

    def main() -> None:
        for number in range(5):
            clock.start(lambda number=number: seen.append(number))
        clock.sleep(0)

    clock.run(main)
    assert seen == [0, 1, 2, 3, 4]


def test_run_returns_what_its_call_returns() -> None:
    assert SimulatedClock().run(lambda: 7) == 7


def test_an_error_of_the_main_call_comes_out() -> None:
    def main() -> None:
        raise ValueError("main")

    with pytest.raises(ValueError, match="main"):
        SimulatedClock().run(main)


def test_a_join_raises_what_the_task_raised() -> None:
    clock = SimulatedClock()

    def fail() -> None:
        raise ValueError("task")

    def main() -> str:
        task = clock.start(fail)
        try:
            task.join()
        except ValueError as error:
            return str(error)
        return "nothing"

    assert clock.run(main) == "task"


def test_an_error_that_nobody_joins_for_comes_out_at_the_end() -> None:
    clock = SimulatedClock()

    def fail() -> None:
        raise ValueError("unseen")

    def main() -> None:
        clock.start(fail)
        clock.sleep(1)

    with pytest.raises(ValueError, match="unseen"):
        clock.run(main)


def test_an_error_in_the_background_comes_out_at_once() -> None:
    clock = SimulatedClock(start=0)

    def fail() -> None:
        raise ValueError("server")

    def main() -> None:
        clock.background(fail)
        clock.sleep(100)

    with pytest.raises(ValueError, match="server"):
        clock.run(main)
    assert clock.now() == 0


def test_waiting_for_what_never_comes_is_a_deadlock() -> None:
    clock = SimulatedClock()

    def main() -> None:
        Signal(clock).wait()

    with pytest.raises(Deadlock):
        clock.run(main)


def test_a_call_that_never_ends_runs_out_of_time() -> None:
    clock = SimulatedClock(limit=60.0)

    def main() -> None:
        while True:
            clock.sleep(5.0)

    with pytest.raises(TimeRanOut):
        clock.run(main)


def test_a_task_that_failed_explains_a_deadlock() -> None:
    clock = SimulatedClock()
    signal = Signal(clock)

    def fail() -> None:
        raise ValueError("never notified")

    def main() -> None:
        clock.start(fail)
        signal.wait()

    with pytest.raises(ValueError, match="never notified"):
        clock.run(main)


def test_a_notification_wakes_all_who_wait_and_a_timeout_the_others() -> None:
    clock = SimulatedClock(start=0)
    signal = Signal(clock)
    seen: list[tuple[bool, int]] = []

    def wait(seconds: float) -> None:
        seen.append((signal.wait(seconds), clock.now()))

    def main() -> None:
        tasks = [clock.start(lambda: wait(1.0)), clock.start(lambda: wait(5.0))]
        clock.sleep(2.0)
        signal.notify()
        for task in tasks:
            task.join()

    clock.run(main)
    assert seen == [(False, 1_000_000_000), (True, 2_000_000_000)]


def test_a_notification_at_the_moment_of_the_timeout_wakes_only_once() -> None:
    clock = SimulatedClock(start=0)
    signal = Signal(clock)

    def main() -> int:
        clock.start(lambda: (clock.sleep(1.0), signal.notify()))
        signal.wait(1.0)
        clock.sleep(5.0)
        return clock.now()

    assert clock.run(main) == 6_000_000_000


def test_what_is_left_over_is_dropped_with_its_cleanup() -> None:
    clock = SimulatedClock()
    cleaned: list[str] = []

    def for_ever() -> None:
        try:
            while True:
                clock.sleep(1.0)
        finally:
            cleaned.append("sleeper")

    def main() -> None:
        clock.start(for_ever)
        clock.background(for_ever)
        clock.sleep(3.5)

    clock.run(main)
    assert cleaned == ["sleeper", "sleeper"]


def test_nothing_leaks_over_many_runs() -> None:
    def once() -> None:
        clock = SimulatedClock()
        signal = Signal(clock)
        clock.run(lambda: (clock.background(signal.wait), clock.sleep(1.0)))

    once()
    gc.collect()
    before = sum(isinstance(each, greenlet) for each in gc.get_objects())
    for _ in range(200):
        once()
    gc.collect()
    assert sum(isinstance(each, greenlet) for each in gc.get_objects()) <= before


def test_a_clock_can_run_again_and_time_goes_on() -> None:
    clock = SimulatedClock(start=0)
    clock.run(lambda: clock.sleep(1.0))
    clock.run(lambda: clock.sleep(1.0))
    assert clock.now() == 2_000_000_000
