"""Marks between the jobs of a transaction: only groups in which a job failed pay for them."""

import asyncio

import pytest

from harness.writer_gate import Gate
from outrigger_server.stores.writer import WARY_GROUPS, Writer


class NotedSession:
    """Transactions on nothing, which notes what it is told."""

    lost = False

    def __init__(self):
        self.told = []

    def begin(self, jobs, *, marked):
        self.told.append("begin marked" if marked else "begin")

    def begin_job(self):
        self.told.append("mark")

    def end_job(self):
        self.told.append("keep")

    def undo_job(self):
        self.told.append("undo")

    def commit(self):
        self.told.append("commit")

    def roll_back(self):
        self.told.append("roll back")


@pytest.fixture
def session():
    return NotedSession()


@pytest.fixture
def writer(session):
    writer = Writer(session)
    writer.start()
    yield writer
    writer.stop()


def good(_connection):
    return "done"


def bad(_connection):
    raise ZeroDivisionError


async def group(writer, session, *jobs):
    """What the session is told of jobs that wait together, and what becomes of them."""
    gate = Gate()
    held = writer.begin(gate)
    await asyncio.to_thread(gate.entered.wait)
    waiting = [writer.begin(job) for job in jobs]
    gate.open()
    await held
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    told = session.told[session.told.index("commit") + 1 :]
    session.told.clear()
    return told, outcomes


async def test_jobs_that_all_go_well_are_not_marked(writer, session):
    told, outcomes = await group(writer, session, good, good, good)
    assert told == ["begin", "commit"]
    assert outcomes == ["done"] * 3


async def test_a_group_with_a_failing_job_is_done_again_with_marks(writer, session):
    told, outcomes = await group(writer, session, good, bad, good)
    assert told == [
        *("begin", "roll back", "begin marked"),
        *("mark", "keep", "mark", "undo", "mark", "keep"),
        "commit",
    ]
    assert [type(each) for each in outcomes] == [str, ZeroDivisionError, str]


async def test_the_groups_after_a_failure_are_marked_at_once_for_a_while(writer, session):
    await group(writer, session, good, bad)
    for _ in range(WARY_GROUPS):
        told, _ = await group(writer, session, good, good)
        assert told == ["begin marked", *("mark", "keep") * 2, "commit"]
    told, _ = await group(writer, session, good, good)
    assert told == ["begin", "commit"]


async def test_a_commit_that_fails_is_not_tried_again(writer, session):
    """It may have been stored, which nobody knows."""
    commits = iter([None, ZeroDivisionError])
    noted = session.commit

    def commit():
        noted()
        error = next(commits)
        if error is not None:
            raise error

    session.commit = commit
    told, outcomes = await group(writer, session, good, good)
    assert told == ["begin", "commit", "roll back"]
    assert [type(each) for each in outcomes] == [ZeroDivisionError] * 2
