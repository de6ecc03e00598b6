"""The state of a thread and its history."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from outrigger_server.api.auth.caller import CallerOf
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import problems
from outrigger_server.api.render import json_response
from outrigger_server.api.services import (
    Flag,
    Services,
    ServicesOf,
    ThreadIdOf,
    checkpoint_id_of,
    flag,
    number_schema,
    page_number,
)
from outrigger_server.api.wire.fields import MAX_PAGE, CheckpointBody
from outrigger_server.api.wire.threads import (
    HistoryBody,
    StateAtCheckpointBody,
    StateUpdateBody,
)
from outrigger_server.domain.run import ThreadId
from outrigger_server.errors import BadState, InvalidRequest
from outrigger_server.graphs.checkpoint_frames import checkpoint_of
from outrigger_server.threads.changes import StateUpdate
from outrigger_server.threads.state import HistoryQuery

router = APIRouter(prefix="/threads/{thread_id}", tags=["Threads"], route_class=JsonRoute)


@router.get("/state", responses=problems(400))
async def state(
    thread_id: ThreadIdOf,
    services: ServicesOf,
    caller: CallerOf,
    subgraphs: Flag = None,
) -> Response:
    """Show the state at the head of the history."""
    await caller.thread("read", thread_id)
    return json_response(await services.states.get(thread_id, subgraphs=flag(subgraphs)))


@router.get("/state/{checkpoint_id}", responses=problems(400))
async def state_at(
    thread_id: ThreadIdOf,
    checkpoint_id: str,
    services: ServicesOf,
    caller: CallerOf,
    subgraphs: Flag = None,
) -> Response:
    """Show the state at a checkpoint."""
    await caller.thread("read", thread_id)
    return json_response(
        await services.states.get(
            thread_id, checkpoint_id=checkpoint_id_of(checkpoint_id), subgraphs=flag(subgraphs)
        )
    )


@router.post("/state/checkpoint", responses=problems(400))
async def state_at_checkpoint(
    thread_id: ThreadIdOf, body: StateAtCheckpointBody, services: ServicesOf, caller: CallerOf
) -> Response:
    """Show the state at a checkpoint given as an object."""
    await caller.thread("read", thread_id)
    return json_response(
        await services.states.get(
            thread_id,
            checkpoint_id=checkpoint_id_of(body.checkpoint.checkpoint_id),
            namespace=body.checkpoint.checkpoint_ns,
            subgraphs=body.subgraphs,
        )
    )


@router.post("/state", responses=problems(400, 409))
async def update_state(
    thread_id: ThreadIdOf, body: StateUpdateBody, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change the state; refused while a run is in flight."""
    await caller.thread("update", thread_id)
    namespace = body.checkpoint.checkpoint_ns if body.checkpoint else ""
    change = StateUpdate(body.values, body.as_node, _checkpoint_of(body), namespace)
    config = await services.changes.update(thread_id, change)
    place = checkpoint_of(config)
    checkpoint_id = config["configurable"]["checkpoint_id"]
    return json_response(
        {"checkpoint": place, "configurable": place, "checkpoint_id": checkpoint_id}
    )


def _checkpoint_of(body: StateUpdateBody) -> str | None:
    if body.checkpoint_id is not None:
        return checkpoint_id_of(body.checkpoint_id)
    return checkpoint_id_of(body.checkpoint.checkpoint_id if body.checkpoint else None)


@router.get("/history", responses=problems(400))
async def history(
    thread_id: ThreadIdOf,
    services: ServicesOf,
    caller: CallerOf,
    limit: Annotated[str, Query(json_schema_extra=number_schema(1, MAX_PAGE, 1))] = "1",
    before: Annotated[str | None, Query()] = None,
) -> Response:
    """List the states the thread went through, newest first."""
    await caller.thread("read", thread_id)
    try:
        wanted = page_number("limit", limit, least=1, most=MAX_PAGE)
    except BadState as error:  # here, unlike elsewhere, no number is no valid value
        raise InvalidRequest(error.message) from None
    return await _history(services, thread_id, HistoryQuery(wanted, _before(_read(before))))


def _read(before: str | None) -> str | dict[str, Any] | None:
    """A checkpoint in a query is its id, or the whole of it as JSON."""
    if before is None or not before.startswith("{"):
        return before
    try:
        found: dict[str, Any] = orjson.loads(before)
    except orjson.JSONDecodeError:
        raise InvalidRequest("before: give a checkpoint id, or a checkpoint as JSON") from None
    return found


@router.post("/history", responses=problems(400))
async def history_by_body(
    thread_id: ThreadIdOf, body: HistoryBody, services: ServicesOf, caller: CallerOf
) -> Response:
    """List the states the thread went through, newest first."""
    await caller.thread("read", thread_id)
    place = body.checkpoint or CheckpointBody()
    query = HistoryQuery(
        limit=body.limit,
        before=_before(body.before),
        metadata=body.metadata,
        checkpoint_id=checkpoint_id_of(place.checkpoint_id),
        namespace=place.checkpoint_ns,
    )
    return await _history(services, thread_id, query)


async def _history(services: Services, thread_id: ThreadId, query: HistoryQuery) -> Response:
    return json_response(await services.states.history(thread_id, query))


def _before(given: str | dict[str, Any] | None) -> str | None:
    """A checkpoint's id, from the id, a checkpoint or a configuration that holds one."""
    if given is None or isinstance(given, str):
        return checkpoint_id_of(given)
    place = given.get("configurable", given)
    found = place.get("checkpoint_id") if isinstance(place, dict) else None
    if not isinstance(found, str):
        raise InvalidRequest("before: give a checkpoint id, or a checkpoint that has one")
    return checkpoint_id_of(found)
