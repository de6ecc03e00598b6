"""Locks of threads and runs, on a database where several processes write at once.

Elsewhere they do nothing. A thread's row always comes before rows of runs.
"""

from sqlalchemy import Connection, bindparam, literal_column, select

from outrigger_server.stores.dialect import has_other_writers
from outrigger_server.stores.ready_statement import ReadyStatement
from outrigger_server.stores.tables import runs, threads

_THREAD = select(threads.c.thread_id).with_for_update()
_BY_ID = ReadyStatement(_THREAD.where(threads.c.thread_id == bindparam("thread")))
_OF_RUN = _THREAD.where(
    threads.c.thread_id
    == select(runs.c.thread_id).where(runs.c.run_id == bindparam("run")).scalar_subquery()
)


def lock_thread(connection: Connection, thread_id: str) -> None:
    """Let no other process change the thread or its runs before the transaction has ended.

    Every job that reads a thread's runs and then decides begins with this; what it reads
    afterwards is what the others left. The thread's row always comes before rows of runs.
    """
    if has_other_writers(connection):
        _BY_ID.run(connection, {"thread": thread_id})


def lock_thread_of(connection: Connection, run_id: str) -> None:
    """The same for the thread of a run."""
    if has_other_writers(connection):
        connection.execute(_OF_RUN, {"run": run_id})


_RUN = select(runs.c.run_id).where(runs.c.run_id == bindparam("run")).with_for_update()


def lock_run(connection: Connection, run_id: str) -> None:
    """Wait for the writes that passed the run's fence, and let none pass any more.

    Whoever takes a run's traces away does this first; the thread is locked before.
    """
    if has_other_writers(connection):
        connection.execute(_RUN, {"run": run_id})


_RUN_AND_LIVE = (
    select(runs.c.run_id)
    .where(
        (runs.c.run_id == bindparam("run"))
        | (
            (runs.c.thread_id == bindparam("thread"))
            & runs.c.status.in_([literal_column("'pending'"), literal_column("'running'")])
        )
    )
    .order_by(runs.c.run_id)
    .with_for_update()
)


def lock_run_and_live(connection: Connection, run_id: str, thread_id: str) -> None:
    """The same for a run and those in flight on its thread.

    An attempt that writes looks at what earlier runs left: it puts their writes aside and
    names their checkpoints as parents. Whoever removes an ended run lets none be halfway.
    """
    if has_other_writers(connection):
        connection.execute(_RUN_AND_LIVE, {"run": run_id, "thread": thread_id})
