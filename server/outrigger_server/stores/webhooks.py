"""Webhooks to be delivered: written with the end of their run, kept until they are delivered.

A delivery is claimed for a while; when its claimer is lost meanwhile, another one makes it
again. So each is made at least once.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update
from uuid_utils.compat import uuid7

from outrigger_server.domain.clock import to_iso
from outrigger_server.domain.run import Run
from outrigger_server.domain.shown_run import run_json
from outrigger_server.stores.tables import webhook_deliveries as deliveries

ROLLED_BACK = "rollback"
"""The status that webhooks show of a run whose row is gone."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook on its way. `values` is JSON text; times are microseconds."""

    delivery_id: str
    url: str
    run: dict[str, Any]
    values: str | None
    created_at: int
    due_at: int
    tries: int


def put_delivery(
    connection: Connection,
    run: Run,
    now: int,
    *,
    status: str,
    values: str | None = None,
    error: dict[str, Any] | None = None,
) -> None:
    """Have the end of the run told to its webhook, if it has one, once this is committed."""
    url = run.kwargs.get("webhook")
    if url is None:
        return
    shown = run_json(run) | {
        "status": status,
        "run_started_at": None if run.started_at is None else to_iso(run.started_at),
        "run_ended_at": to_iso(now),
    }
    if error is not None:
        shown["error"] = error
    row = {
        "delivery_id": str(uuid7()),
        "url": url,
        "run": shown,
        "values": values,
        "created_at": now,
        "due_at": now,
    }
    connection.execute(insert(deliveries), row)


def put_cut_delivery(
    connection: Connection, run: Run, now: int, *, rolled_back: bool, values: str | None = None
) -> None:
    """The same for a run that was stopped because somebody asked for it."""
    kind = "UserRollback" if rolled_back else "UserInterrupt"
    error = {"error": kind, "message": run.cancel_message or "interrupted"}
    status = ROLLED_BACK if rolled_back else "interrupted"
    put_delivery(connection, run, now, status=status, values=values, error=error)


_DUE = (
    select(deliveries)
    .where(deliveries.c.due_at <= bindparam("now"))
    .order_by(deliveries.c.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_FIRST_DUE = select(func.min(deliveries.c.due_at))


def first_due(connection: Connection) -> int | None:
    """When the first delivery is due that waits; None when none waits."""
    due: int | None = connection.execute(_FIRST_DUE).scalar()
    return due


def claim_deliveries(
    connection: Connection, *, now: int, until: int, limit: int
) -> tuple[Delivery, ...]:
    """Take up to `limit` due deliveries, oldest first; nobody else has them before `until`."""
    rows = connection.execute(_DUE, {"now": now, "most": limit}).mappings().all()
    claimed = [Delivery(**{**row, "due_at": until, "tries": row["tries"] + 1}) for row in rows]
    ids = [each.delivery_id for each in claimed]
    if ids:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.delivery_id.in_(ids))
            .values(due_at=until, tries=deliveries.c.tries + 1)
        )
    return tuple(claimed)


def end_delivery(connection: Connection, delivery: Delivery) -> None:
    """Forget a delivery that was made, or given up."""
    connection.execute(delete(deliveries).where(_still_claimed(delivery)))


def postpone_delivery(connection: Connection, delivery: Delivery, due_at: int) -> None:
    """Have a delivery that failed made again at `due_at`."""
    connection.execute(update(deliveries).where(_still_claimed(delivery)).values(due_at=due_at))


def _still_claimed(delivery: Delivery) -> ColumnElement[bool]:
    """Only its last claimer decides about a delivery."""
    return (deliveries.c.delivery_id == delivery.delivery_id) & (
        deliveries.c.tries == delivery.tries
    )
