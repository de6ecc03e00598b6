"""Crons: a run that is created again and again, by a schedule read in a time zone."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from outrigger_server.domain.clock import MICROSECONDS
from outrigger_server.domain.run import ThreadId
from outrigger_server.errors import BadState, InvalidRequest, RequestError

NICKNAMES: Mapping[str, str] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
END_GRACE = 60 * MICROSECONDS
"""How late what was due by a cron's end may still be."""

WITH_SECONDS = 6
"""Fields of a schedule whose last field is the second."""


class OnRunCompleted(StrEnum):
    """What becomes of the thread that a cron made for one run."""

    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Cron:
    """One cron. Times are microseconds since the epoch, UTC."""

    cron_id: str
    assistant_id: str
    thread_id: ThreadId | None
    """None: each run gets a thread of its own."""
    user_id: str | None
    """Who made it, where that is known."""
    signed: dict[str, Any]
    """What its runs' configuration says of who made it; see `AUTH_PREFIX`."""
    schedule: str
    timezone: str | None
    end_at: int | None
    payload: dict[str, Any]
    """The body of the cron's creation, which is one of a run's creation and more."""
    metadata: dict[str, Any]
    on_run_completed: OnRunCompleted | None
    enabled: bool
    next_run_at: int | None
    """None while it is disabled and once its end has come."""
    created_at: int
    updated_at: int

    def next_after(self, now: int) -> int | None:
        """When it fires next, given that it is `now`; what was missed before does not count.

        Raises:
            InvalidRequest: The schedule or the time zone means nothing (any more).
        """
        if not self.enabled:
            return None
        due = Schedule.parse(self.schedule, self.timezone).next_after(now)
        return due if self.end_at is None or due <= self.end_at else None

    @property
    def next_run_date(self) -> int | None:
        """What the schedule says, also while it is disabled or after its end."""
        if self.next_run_at is not None:
            return self.next_run_at
        since = max(self.updated_at, self.end_at or 0) if self.enabled else self.updated_at
        try:
            return Schedule.parse(self.schedule, self.timezone).next_after(since)
        except RequestError:  # time zones go out of use
            return None

    def has_ended(self, now: int) -> bool:
        """True when it is too late for what was due by its end."""
        return self.end_at is not None and now > self.end_at + END_GRACE


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression in a time zone.

    Where clocks are put forward, what a day has in the hour that is left out happens at its end;
    where they are put back, what happens at a time of the day happens once.
    """

    expression: str
    zone: dt.tzinfo

    @classmethod
    def parse(cls, text: str, timezone: str | None) -> "Schedule":
        """Read an expression of five fields, or of six with the second last.

        Raises:
            InvalidRequest: It is no such expression, or there is no such time zone.
            BadState: It never happens.
        """
        fields = NICKNAMES.get(text.strip().lower(), text).split()
        if len(fields) == WITH_SECONDS:
            fields.insert(0, fields.pop())
        schedule = cls(" ".join(fields), _zone(timezone))
        try:
            schedule.next_after(0)
        except (CronSimError, AssertionError) as error:
            raise InvalidRequest(
                f"Invalid cron schedule: '{text}'. Reason: {str(error) or 'no sense in it'}. Give "
                "minute hour day_of_month month day_of_week, such as '*/5 * * * *' for every "
                "5 minutes."
            ) from error
        return schedule

    def next_after(self, now: int) -> int:
        """The first time after `now`, in microseconds.

        Raises:
            BadState: It never happens.
        """
        moment = dt.datetime.fromtimestamp(now // MICROSECONDS, tz=self.zone)
        for found in CronSim(self.expression, moment):
            due = round(found.timestamp()) * MICROSECONDS
            if due > now:  # in the second of two equal hours it may name the first
                return due
        raise BadState(f"schedule: '{self.expression}' never happens")


def _zone(name: str | None) -> dt.tzinfo:
    if name is None:
        return dt.UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # what zoneinfo raises for strange names
        raise InvalidRequest(
            f"Invalid timezone: '{name}'. Use IANA timezone format (e.g. 'America/New_York')."
        ) from error
