"""Runs of a status, page by page in the order of their creation, while others come and go."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, tuple_

from outrigger_server.domain.run import RunId, RunStatus, ThreadId
from outrigger_server.stores.run_rows import IN_FLIGHT, PENDING, RUNNING
from outrigger_server.stores.tables import runs

_PAGE = (
    select(runs.c.thread_id, runs.c.run_id, runs.c.created_at, runs.c.seq)
    .where(
        tuple_(runs.c.created_at, runs.c.seq) > tuple_(bindparam("due"), bindparam("number")),
        runs.c.seq <= bindparam("last"),
    )
    .order_by(runs.c.created_at, runs.c.seq)
    .limit(bindparam("most"))
)
_PAGES = {
    RunStatus.PENDING: _PAGE.where(PENDING, IN_FLIGHT),
    RunStatus.RUNNING: _PAGE.where(RUNNING, IN_FLIGHT),
}
_LAST_RUN = select(func.coalesce(func.max(runs.c.seq), 0))

Place = tuple[int, int]
"""Where a run stands in the order of creation."""

BEFORE_ALL: Place = (0, 0)


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some of the runs with a status, by thread; `after` is None when there are no more."""

    runs: dict[ThreadId, list[RunId]]
    after: Place | None


def last_run(connection: Connection) -> int:
    """The number of the newest run there is; later ones have greater numbers."""
    return int(connection.execute(_LAST_RUN).scalar_one())


def page_of_runs(
    connection: Connection, status: RunStatus, after: Place, last: int, limit: int
) -> RunPage:
    """Pending or running runs behind a place, up to the number `last`."""
    found: dict[ThreadId, list[RunId]] = {}
    bounds = {"due": after[0], "number": after[1], "last": last, "most": limit}
    rows = connection.execute(_PAGES[status], bounds).all()
    for row in rows:
        found.setdefault(ThreadId(row.thread_id), []).append(RunId(row.run_id))
    return RunPage(found, (rows[-1].created_at, rows[-1].seq) if len(rows) == limit else None)
