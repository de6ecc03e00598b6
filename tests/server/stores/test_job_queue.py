"""The queue in front of the writer: order, who wakes the writer, and its end."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from outrigger_server.errors import Overloaded, StoreUnavailable
from outrigger_server.stores import job_queue
from outrigger_server.stores.job_queue import JobQueue

MANY = 100


@pytest.fixture
def jobs():
    return JobQueue()


@pytest.fixture
def taking():
    with ThreadPoolExecutor() as threads:
        yield threads


def test_jobs_are_taken_in_the_order_they_were_put_urgent_or_not(jobs):
    for number in range(10):
        jobs.put(number, urgent=number % 3 == 0)
    assert jobs.take(MANY) == list(range(10))
    assert len(jobs) == 0


def test_no_more_are_taken_than_are_asked_for(jobs):
    for number in range(5):
        jobs.put(number, urgent=True)
    assert [jobs.take(2), jobs.take(2), jobs.take(2)] == [[0, 1], [2, 3], [4]]


def test_an_urgent_job_is_taken_by_a_thread_that_waits(jobs, taking):
    taken = taking.submit(jobs.take, MANY)
    jobs.put("a", urgent=True)
    assert taken.result(10) == ["a"]


def test_a_job_that_is_not_urgent_is_taken_by_and_by(jobs, taking):
    taken = taking.submit(jobs.take, MANY)
    jobs.put("a", urgent=False)
    assert taken.result(10) == ["a"]
    again = taking.submit(jobs.take, MANY)
    jobs.put("b", urgent=False)
    assert again.result(10) == ["b"]


def test_it_is_taken_also_after_the_taker_had_stopped_looking(taking):
    jobs = JobQueue(linger_seconds=0.001)
    taken = taking.submit(jobs.take, MANY)
    jobs.put("a", urgent=False)
    assert taken.result(10) == ["a"]
    again = taking.submit(jobs.take, MANY)
    while jobs._looks_soon:
        threading.Event().wait(0.001)
    jobs.put("b", urgent=False)
    assert again.result(10) == ["b"]


def test_only_the_first_of_the_jobs_that_are_not_urgent_wakes_the_taker(jobs):
    for number in range(5):
        jobs.put(number, urgent=False)
    assert jobs._bell.qsize() == 1


def test_what_waits_at_the_end_is_still_taken(jobs):
    jobs.put("a", urgent=False)
    jobs.close()
    assert [jobs.take(MANY), jobs.take(MANY)] == [["a"], []]


def test_the_end_wakes_a_taker_that_waits(jobs, taking):
    taken = taking.submit(jobs.take, MANY)
    jobs.close()
    assert taken.result(10) == []


def test_a_closed_queue_refuses_jobs(jobs):
    jobs.close()
    with pytest.raises(StoreUnavailable, match="stopping"):
        jobs.put("a", urgent=True)


def test_a_full_queue_refuses_jobs(jobs):
    for number in range(job_queue.BACKLOG_LIMIT):
        jobs.put(number, urgent=False)
    with pytest.raises(Overloaded):
        jobs.put("one more", urgent=True)


def test_every_job_put_while_the_queue_closes_is_taken_or_refused(jobs, taking):
    """From several threads at once, each until it is refused."""
    begun = threading.Barrier(5)

    def put(name):
        begun.wait()
        accepted = []
        while True:
            try:
                jobs.put((name, len(accepted)), urgent=len(accepted) % 2 == 0)
            except (StoreUnavailable, Overloaded):
                return accepted
            accepted.append((name, len(accepted)))

    def take():
        taken = []
        while group := jobs.take(MANY):
            taken += group
        return taken

    taker = taking.submit(take)
    putting = [taking.submit(put, name) for name in range(4)]
    begun.wait()
    while len(jobs) < MANY and not any(done.done() for done in putting):
        pass
    jobs.close()
    accepted = [entry for done in putting for entry in done.result(20)]
    assert sorted(taker.result(20)) == sorted(accepted)
