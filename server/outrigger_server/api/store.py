"""The store: items that outlive threads, the same that graphs put and get."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from langgraph.store.base import NOT_PROVIDED, Item, SearchItem

from outrigger_server.api.auth.caller import CallerOf
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import problems
from outrigger_server.api.render import item_json, json_response
from outrigger_server.api.services import Flag, ServicesOf, flag
from outrigger_server.api.wire.store import ItemDelete, ItemPut, ItemSearch, NamespaceSearch
from outrigger_server.errors import BadState, InvalidRequest

router = APIRouter(prefix="/store", tags=["Store"], route_class=JsonRoute)

RESERVED = "langgraph"


@router.put("/items", status_code=204, responses=problems(400))
async def put(body: ItemPut, services: ServicesOf, caller: CallerOf) -> Response:
    """Store an item, in place of the one with its namespace and key."""
    value: dict[str, Any] = {
        "namespace": _writable(body.namespace),
        "key": body.key,
        "value": body.value,
        "index": body.index,
    }
    await caller.authorized("store", "put", value)
    await services.items.aput(
        _writable(value["namespace"]),
        value["key"],
        value["value"],
        index=body.index,
        ttl=body.ttl if body.ttl is not None else NOT_PROVIDED,
    )
    return Response(status_code=204)


@router.get("/items")
async def get(
    services: ServicesOf,
    caller: CallerOf,
    namespace: Annotated[str | None, Query()] = None,
    key: Annotated[str | None, Query()] = None,
    refresh_ttl: Flag = None,
) -> Response:
    """Show an item; null when there is none."""
    if key is None:
        raise InvalidRequest("key: give the key of the item")
    labels = tuple((namespace or "").split("."))
    if not all(labels) or "\0" in f"{namespace}{key}":
        raise InvalidRequest("namespace: give its labels with periods between them, none empty")
    refresh = flag(refresh_ttl) if refresh_ttl is not None else None
    value: dict[str, Any] = {"namespace": labels, "key": key}
    await caller.authorized("store", "get", value)
    item = await services.items.aget(tuple(value["namespace"]), value["key"], refresh_ttl=refresh)
    return json_response(item_json(item) if item is not None else None)


@router.delete("/items", status_code=204)
async def delete(body: ItemDelete, services: ServicesOf, caller: CallerOf) -> Response:
    """Remove an item, if there is one."""
    value: dict[str, Any] = {"namespace": tuple(body.namespace), "key": body.key}
    await caller.authorized("store", "delete", value)
    await services.items.adelete(tuple(value["namespace"]), value["key"])
    return Response(status_code=204)


@router.post("/items/search")
async def search(body: ItemSearch, services: ServicesOf, caller: CallerOf) -> Response:
    """Find items; the newest first, or with a query and an index the most alike."""
    value: dict[str, Any] = {
        "namespace": tuple(body.namespace_prefix or ()),
        "filter": body.filter,
        "limit": body.limit,
        "offset": body.offset,
        "query": body.query,
    }
    await caller.authorized("store", "search", value)
    found = await services.items.asearch(
        tuple(value["namespace"]),
        query=value["query"],
        filter=value["filter"],
        limit=value["limit"],
        offset=value["offset"],
        refresh_ttl=body.refresh_ttl,
    )
    return json_response({"items": [_found_json(item) for item in found]})


def _found_json(item: Item | SearchItem) -> dict[str, Any]:
    return {**item_json(item), "score": getattr(item, "score", None)}


@router.post("/namespaces")
async def namespaces(body: NamespaceSearch, services: ServicesOf, caller: CallerOf) -> Response:
    """List the namespaces that have items."""
    value: dict[str, Any] = {
        "namespace": tuple(body.prefix) if body.prefix else None,
        "suffix": tuple(body.suffix) if body.suffix else None,
        "max_depth": body.max_depth,
        "limit": body.limit,
        "offset": body.offset,
    }
    await caller.authorized("store", "list_namespaces", value)
    found = await services.items.alist_namespaces(
        prefix=value["namespace"],
        suffix=value["suffix"],
        max_depth=value["max_depth"],
        limit=value["limit"],
        offset=value["offset"],
    )
    return json_response({"namespaces": [list(each) for each in found]})


def _writable(namespace: Sequence[str]) -> tuple[str, ...]:
    if not namespace:
        raise BadState("Namespace cannot be empty.")
    if namespace[0] == RESERVED:
        raise BadState(f'Root label for namespace cannot be "{RESERVED}". Got: {tuple(namespace)}')
    return tuple(namespace)
