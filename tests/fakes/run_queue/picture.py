"""What there is to see of a queue after a step, and what must be true of it."""

from dataclasses import dataclass
from typing import NamedTuple

from outrigger_server.domain.run import TRANSITIONS, CancelAction, RunStatus


class RunRow(NamedTuple):
    """One run."""

    thread_id: str
    status: str
    attempt: int
    handed_back: int
    created_at: int
    cancel_action: str | None
    superseded_by: str | None
    fenced: bool
    lease_until: int | None

    @property
    def in_flight(self) -> bool:
        return not RunStatus(self.status).is_terminal


class ThreadRow(NamedTuple):
    """One thread; `status` and `values` as a reader gets them."""

    status: str
    values: str | None
    head_at: int | None
    hold_token: str | None


@dataclass(frozen=True)
class Picture:
    """Everything at one moment. `traces` are the runs that left something beside their row."""

    runs: dict[str, RunRow]
    threads: dict[str, ThreadRow]
    traces: frozenset[str]

    def of(self, thread_id: str) -> dict[str, RunRow]:
        """The thread's runs."""
        return {name: run for name, run in self.runs.items() if run.thread_id == thread_id}

    def in_flight(self, thread_id: str) -> dict[str, RunRow]:
        """The thread's pending and running runs."""
        return {name: run for name, run in self.of(thread_id).items() if run.in_flight}

    def running(self, thread_id: str) -> list[str]:
        """The thread's running runs."""
        return [name for name, run in self.of(thread_id).items() if run.status == "running"]


def check_sound(picture: Picture, *, max_attempts: int) -> None:
    """Fail unless every promise about a single moment is kept."""
    for thread_id, thread in picture.threads.items():
        running = picture.running(thread_id)
        assert len(running) <= 1, f"{running} run at once on {thread_id}"
        in_flight = picture.in_flight(thread_id)
        assert (thread.status == "busy") is bool(in_flight), (thread_id, thread, in_flight)
        waiting = [run.created_at for run in in_flight.values() if run.status == "pending"]
        free = not running and thread.hold_token is None
        assert thread.head_at == (min(waiting, default=None) if free else None), thread_id
    for name, run in picture.runs.items():
        assert run.thread_id in picture.threads, f"{name} is an orphan"
        assert run.attempt - run.handed_back <= max_attempts, f"{name} may try without end"
    assert picture.traces <= picture.runs.keys(), "a run that is gone left something"


def check_change(before: Picture, after: Picture, may_vanish: set[str]) -> None:
    """Fail unless every run went where it may go from where it was."""
    for name, old in before.runs.items():
        new = after.runs.get(name)
        if new is None:
            assert name in may_vanish, f"{name} is lost"
            continue
        old_status, new_status = RunStatus(old.status), RunStatus(new.status)
        assert new_status in {*TRANSITIONS[old_status], old_status}, (name, old, new)
        starts = old_status is RunStatus.PENDING and new_status is RunStatus.RUNNING
        assert new.attempt == old.attempt + starts, (name, old, new)
        assert new.created_at == old.created_at, name
        if old.cancel_action == CancelAction.ROLLBACK:
            assert new.cancel_action == CancelAction.ROLLBACK, f"{name}: a rollback was taken back"


def check_double_text(before: Picture, after: Picture, thread_id: str, strategy: str) -> None:
    """Fail unless those in flight met what the README says of the new run's strategy."""
    for name, old in before.in_flight(thread_id).items():
        new = after.runs.get(name)
        if strategy in ("reject", "enqueue"):
            assert new == old, f"{strategy} touched {name}"
        elif old.status == "running":
            assert new is not None
            assert new.status == "running"
            wanted = "rollback" if "rollback" in (strategy, old.cancel_action) else "interrupt"
            assert new.cancel_action == wanted
        elif strategy == "rollback":
            assert new is None, f"{name} was not rolled back"
        else:
            assert new is not None
            assert new.status == "interrupted"
