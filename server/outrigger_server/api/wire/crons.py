"""What a client may ask about crons: a run's creation, and when it is to happen."""

import datetime as dt
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)

from outrigger_server.api.wire.fields import Limit, Offset, PlainText, Wanted, WireModel
from outrigger_server.api.wire.runs import RunCreate
from outrigger_server.domain.clock import MICROSECONDS
from outrigger_server.domain.cron import OnRunCompleted


def _text(moment: object) -> object:
    if moment is not None and not isinstance(moment, str):
        msg = "give a time as text, such as 2030-01-31T12:00:00Z"
        raise ValueError(msg)
    return moment


def _in_utc(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=dt.UTC)
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        msg = "this is no year that a calendar has"
        raise ValueError(msg) from None


Moment = Annotated[dt.datetime, BeforeValidator(_text), AfterValidator(_in_utc)]


class _CronBody(RunCreate):
    timezone: PlainText | None = None
    end_time: Moment | None = None
    _sent: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_what_was_sent(cls, sent: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        body = read(sent)
        body._sent = sent  # noqa: SLF001  its own
        return body

    @property
    def payload(self) -> dict[str, Any]:
        """The body as it was sent, which clients are shown; the assistant stands beside it."""
        return {name: each for name, each in self._sent.items() if name != "assistant_id"}

    @property
    def end_at(self) -> int | None:
        """The end in microseconds since the epoch."""
        return None if self.end_time is None else round(self.end_time.timestamp() * MICROSECONDS)


class CronCreate(_CronBody):
    """The body of a cron's creation."""

    schedule: Annotated[PlainText, Field(max_length=1000)]
    enabled: bool = True
    on_run_completed: OnRunCompleted = OnRunCompleted.DELETE


class CronPatch(_CronBody):
    """The body of a cron's change; what is not named stays as it is."""

    assistant_id: str = ""
    schedule: Annotated[PlainText, Field(max_length=1000)] = ""
    enabled: bool = True
    on_run_completed: OnRunCompleted = OnRunCompleted.DELETE

    @property
    def changes(self) -> dict[str, Any]:
        """The cron's own fields that were given."""
        values = {
            "schedule": self.schedule,
            "timezone": self.timezone,
            "end_time": self.end_at,
            "enabled": self.enabled,
            "on_run_completed": self.on_run_completed,
            "metadata": self.metadata,
        }
        given = {name: each for name, each in values.items() if name in self.model_fields_set}
        if "end_time" in given:
            given["end_at"] = given.pop("end_time")
        return given


CronField = Literal[
    "cron_id",
    "assistant_id",
    "thread_id",
    "user_id",
    "end_time",
    "schedule",
    "timezone",
    "payload",
    "next_run_date",
    "metadata",
    "on_run_completed",
    "enabled",
    "created_at",
    "updated_at",
]


class CronCount(WireModel):
    """Which crons are counted."""

    assistant_id: UUID | None = None
    thread_id: UUID | None = None
    enabled: bool | None = None
    metadata: Wanted = None


class CronSearch(CronCount):
    """Which crons are wanted."""

    sort_by: (
        Literal[
            "cron_id",
            "assistant_id",
            "thread_id",
            "next_run_date",
            "end_time",
            "created_at",
            "updated_at",
        ]
        | None
    ) = None
    sort_order: Literal["asc", "desc"] | None = None
    select: list[CronField] | None = None
    limit: Limit = 10
    offset: Offset = 0
