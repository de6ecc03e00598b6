"""Keeps users' crons: what is kept here could be run now, and is due at a time to come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from outrigger_server.brokers.base import Wakeups
from outrigger_server.crons.requests import CronRuns
from outrigger_server.domain.access import AUTH_PREFIX, EVERYTHING, Filter
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.cron import Cron, OnRunCompleted
from outrigger_server.domain.run import ThreadId
from outrigger_server.runs.webhook_guard import WebhookGuard
from outrigger_server.stores.base import Database
from outrigger_server.stores.crons import (
    CronFilter,
    CronPage,
    change_cron,
    count_crons,
    create_cron,
    delete_cron,
    get_cron,
    search_crons,
)

NOWHERE = ThreadId("00000000-0000-0000-0000-000000000000")
"""The thread of a run that is only tried to be read."""


@dataclass(frozen=True, slots=True)
class CronOrder:
    """A cron as a caller asked for it."""

    assistant_id: str
    thread_id: ThreadId | None
    schedule: str
    timezone: str | None
    end_at: int | None
    payload: dict[str, Any]
    metadata: dict[str, Any]
    on_run_completed: OnRunCompleted | None
    enabled: bool
    cron_id: str = field(default_factory=lambda: str(uuid7()))
    signed: Mapping[str, Any] = field(default_factory=dict)
    """What its runs' configuration says of who made it."""


class CronRegister:
    """Adds, changes, removes and finds crons, and tells the schedulers about changes."""

    def __init__(
        self,
        database: Database,
        runs: CronRuns,
        webhooks: WebhookGuard,
        clock: Clock,
        schedulers: Wakeups,
    ) -> None:
        self._database = database
        self._runs = runs
        self._webhooks = webhooks
        self._clock = clock
        self._schedulers = schedulers

    async def create(self, order: CronOrder) -> Cron:
        """Add a cron.

        Raises:
            RequestError: The schedule, the time zone or the run it asks for makes no sense, its
                webhook may not be called, or its thread or assistant is not there.
        """
        await self._check_webhook(order.payload)
        now = self._clock.now()
        cron = Cron(
            cron_id=order.cron_id,
            assistant_id=order.assistant_id,
            thread_id=order.thread_id,
            user_id=order.signed.get(AUTH_PREFIX + "user_id"),
            signed=dict(order.signed),
            schedule=order.schedule,
            timezone=order.timezone,
            end_at=order.end_at,
            payload=order.payload,
            metadata=order.metadata,
            on_run_completed=order.on_run_completed,
            enabled=order.enabled,
            next_run_at=None,
            created_at=now,
            updated_at=now,
        )

        def add(connection: Connection) -> Cron:
            return create_cron(connection, self._checked(connection, cron, now))

        kept = await self._database.write(add)
        self._schedulers.notify()
        return kept

    async def patch(
        self,
        cron_id: str,
        changes: Mapping[str, Any],
        payload: Mapping[str, Any],
        allowed: Filter = EVERYTHING,
    ) -> Cron:
        """Replace fields of the cron and of its payload; metadata is merged.

        Raises:
            NotFound: There is no such cron.
            RequestError: What comes of it makes no sense.
        """
        await self._check_webhook(payload)
        now = self._clock.now()

        def change(connection: Connection) -> Cron:
            def changed(cron: Cron) -> Cron:
                metadata = {**cron.metadata, **(changes.get("metadata") or {})}
                merged = {**changes, "metadata": metadata, "updated_at": now}
                fresh = replace(cron, payload={**cron.payload, **payload}, **merged)
                if fresh.thread_id is not None:
                    fresh = replace(fresh, on_run_completed=None)
                return self._checked(connection, fresh, now)

            return change_cron(connection, cron_id, changed, allowed)

        kept = await self._database.write(change)
        self._schedulers.notify()
        return kept

    async def _check_webhook(self, payload: Mapping[str, Any]) -> None:
        # Names are looked up, so outside a transaction; the sender does so again before a call.
        webhook = payload.get("webhook")
        if isinstance(webhook, str):  # what is none is refused with the rest of the payload
            await self._webhooks.check(webhook)

    def _checked(self, connection: Connection, cron: Cron, now: int) -> Cron:
        """The cron with its next time; raises when it could not be run."""
        enabled = replace(cron, enabled=True).next_after(now)  # also a disabled one must be right
        self._runs.request(connection, cron, cron.thread_id or NOWHERE)
        return replace(cron, next_run_at=enabled if cron.enabled else None)

    async def get(self, cron_id: str, allowed: Filter = EVERYTHING) -> Cron:
        """The cron.

        Raises:
            NotFound: There is none.
        """
        return await self._database.read(partial(get_cron, cron_id=cron_id, allowed=allowed))

    async def delete(self, cron_id: str, allowed: Filter = EVERYTHING) -> None:
        """Remove the cron; the runs that it made stay.

        Raises:
            NotFound: There is none.
        """
        await self._database.write(partial(delete_cron, cron_id=cron_id, allowed=allowed))

    async def search(self, wanted: CronFilter, page: CronPage) -> tuple[Sequence[Cron], int]:
        """The crons that match every condition, and how many there are in all."""
        return await self._database.read(partial(search_crons, wanted=wanted, page=page))

    async def count(self, wanted: CronFilter) -> int:
        """How many crons match every condition."""
        return await self._database.read(partial(count_crons, wanted=wanted))
