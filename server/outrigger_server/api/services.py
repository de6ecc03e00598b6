"""What the handlers need, put together in `app.py` and handed to them by FastAPI."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Path, Query, Request
from pydantic import WithJsonSchema

from outrigger_server.api.lg_page import LgPage
from outrigger_server.assistants.directory import AssistantDirectory
from outrigger_server.assistants.drawings import AssistantDrawings
from outrigger_server.assistants.editor import AssistantEditor
from outrigger_server.brokers.base import Counters, EventLog
from outrigger_server.crons.register import CronRegister
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.event import EventId
from outrigger_server.domain.run import RunId, ThreadId
from outrigger_server.errors import BadState, InvalidRequest
from outrigger_server.runs.cancel import RunCanceller
from outrigger_server.runs.create import RunCreator
from outrigger_server.runs.errands import Errands
from outrigger_server.runs.prune import Pruner
from outrigger_server.runs.watch import RunWatcher
from outrigger_server.runs.webhook_guard import WebhookGuard
from outrigger_server.settings import Settings
from outrigger_server.stores.base import Database
from outrigger_server.stores.items import FencedStore
from outrigger_server.threads.changes import StateChanges
from outrigger_server.threads.copies import ThreadCopier
from outrigger_server.threads.create import ThreadCreator
from outrigger_server.threads.state import ThreadStates
from outrigger_telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the server that requests are carried out with."""

    settings: Settings
    database: Database
    events: EventLog
    counters: Counters
    clock: Clock
    metrics: Metrics
    assistants: AssistantDirectory
    editor: AssistantEditor
    drawings: AssistantDrawings
    states: ThreadStates
    changes: StateChanges
    thread_creator: ThreadCreator
    copier: ThreadCopier
    pruner: Pruner
    items: FencedStore
    creator: RunCreator
    canceller: RunCanceller
    watcher: RunWatcher
    errands: Errands
    crons: CronRegister
    webhooks: WebhookGuard
    lg_page: LgPage


UUID_FORMAT = {"format": "uuid"}


def number_schema(least: int, most: int, default: int) -> dict[str, Any]:
    """How the document shows a number of a page, which is read as text for its own words."""
    return {"type": "integer", "minimum": least, "maximum": most, "default": default}


Flag = Annotated[str | None, WithJsonSchema({"type": "boolean"}), Query()]
"""Yes or no, in any of the words that clients send; see `flag`."""


# These are async because FastAPI sends sync dependencies through a thread each.
async def services_of(request: Request) -> Services:
    """The services of the application that got the request."""
    services: Services = request.app.state.services
    return services


async def _thread_id(thread_id: Annotated[str, Path(json_schema_extra=UUID_FORMAT)]) -> ThreadId:
    try:
        return ThreadId(str(uuid.UUID(thread_id)))
    except ValueError:
        raise InvalidRequest("Invalid thread ID: must be a UUID") from None


async def _run_id(run_id: Annotated[str, Path(json_schema_extra=UUID_FORMAT)]) -> RunId:
    try:
        return RunId(str(uuid.UUID(run_id)))
    except ValueError:
        raise InvalidRequest("Invalid run ID: must be a UUID") from None


def page_number(name: str, text: str, *, least: int, most: int) -> int:
    """A number of a page from a query.

    Raises:
        BadState: It is no number.
        InvalidRequest: It is out of bounds.
    """
    try:
        number = int(text)
    except ValueError:
        raise BadState(f"{name}: {text!r} is not a whole number") from None
    if not least <= number <= most:
        raise InvalidRequest(f"{name}: {number} is not between {least} and {most}")
    return number


def checkpoint_id_of(text: str | None) -> str | None:
    """A checkpoint's id as a client sent it, or None.

    Raises:
        InvalidRequest: It is no id.
    """
    if text is None:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidRequest("Invalid checkpoint ID") from None


def flag(text: str | None) -> bool:
    """True for what clients send to mean yes."""
    return text is not None and text.lower() in {"1", "true", "yes", "on"}


def event_id_of(text: str | None) -> EventId | None:
    """The id of an event as a client sent it, or None.

    Raises:
        InvalidRequest: It is no id.
    """
    if text is None:
        return None
    try:
        return EventId.parse(text)
    except ValueError:
        raise InvalidRequest(f"Last-Event-ID: {text!r} is not an event id") from None


def listed(name: str, given: Sequence[str]) -> list[str]:
    """The texts of a query, which clients send repeated, with commas, or as a JSON list.

    Raises:
        InvalidRequest: One begins like a list and is none.
    """
    found: list[str] = []
    for text in given:
        found += _json_list(name, text) if text.startswith("[") else text.split(",")
    return [text for text in found if text]


def _json_list(name: str, text: str) -> list[str]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise InvalidRequest(f"{name}: {text!r} is not a list of texts")
    return found


ServicesOf = Annotated[Services, Depends(services_of)]
ThreadIdOf = Annotated[ThreadId, Depends(_thread_id)]
RunIdOf = Annotated[RunId, Depends(_run_id)]
