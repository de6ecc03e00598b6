"""Fences: the proof, checked inside the writing transaction, that a writer may still write."""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from outrigger_server.domain.run import AttemptToken, ThreadId
from outrigger_server.errors import FencedWrite
from outrigger_server.stores.dialect import run_sql


class Fence(Protocol):
    """Who writes, and whether it still may."""

    @property
    def run_id(self) -> str | None:
        """The run that the written rows belong to, if any."""
        ...

    @property
    def attempt(self) -> int | None:
        """The attempt that the written rows belong to, if any."""
        ...

    def check(self, connection: Connection) -> None:
        """Pass when the writer still holds what it writes to.

        Raises:
            FencedWrite: It does not; the transaction must write nothing for it.
        """
        ...


class WriteObserver(Protocol):
    """Is told about writes, for the metrics."""

    def checkpoint_written(self, seconds: float, size: int) -> None:
        """A checkpoint of `size` bytes reached the disk after `seconds`."""
        ...

    def write_refused(self, kind: str) -> None:
        """The fence refused a write; `kind` is checkpoint or store."""
        ...


@dataclass(frozen=True, slots=True)
class RunFence:
    """An attempt may write while its row is running, unfenced and at its attempt."""

    token: AttemptToken

    @property
    def run_id(self) -> str:
        """See `Fence.run_id`."""
        return self.token.run_id

    @property
    def attempt(self) -> int:
        """See `Fence.attempt`."""
        return self.token.attempt

    def check(self, connection: Connection) -> None:
        """See `Fence.check`."""
        row = run_sql(
            connection,
            "SELECT 1 FROM runs WHERE run_id = ? AND attempt = ? "
            "AND status = 'running' AND NOT fenced {for_share}",
            (self.token.run_id, self.token.attempt),
        )
        if row.fetchone() is None:
            raise FencedWrite


@dataclass(frozen=True, slots=True)
class HoldFence:
    """A request that changes a thread's state may write while it holds the thread."""

    thread_id: ThreadId
    token: str

    @property
    def run_id(self) -> None:
        """No run: the rows belong to nobody."""
        return

    @property
    def attempt(self) -> None:
        """No attempt."""
        return

    def check(self, connection: Connection) -> None:
        """See `Fence.check`."""
        row = run_sql(
            connection,
            "SELECT 1 FROM threads WHERE thread_id = ? AND hold_token = ? {for_share}",
            (self.thread_id, self.token),
        )
        if row.fetchone() is None:
            raise FencedWrite
