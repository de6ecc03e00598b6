"""The store: items that outlive threads, the same that graphs put and get."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from langgraph.store.base import NOT_PROVIDED, Item, SearchItem

from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.render import item_json, json_response
from outrigger_server.api.services import ServicesOf, flag
from outrigger_server.api.wire.store import ItemDelete, ItemPut, ItemSearch, NamespaceSearch
from outrigger_server.errors import BadState, InvalidRequest

router = APIRouter(prefix="/store", tags=["Store"], route_class=JsonRoute)

RESERVED = "langgraph"


@router.put("/items")
async def put(body: ItemPut, services: ServicesOf) -> Response:
    """Store an item, in place of the one with its namespace and key."""
    await services.items.aput(
        _writable(body.namespace),
        body.key,
        body.value,
        index=body.index,
        ttl=body.ttl if body.ttl is not None else NOT_PROVIDED,
    )
    return Response(status_code=204)


@router.get("/items")
async def get(
    services: ServicesOf,
    namespace: Annotated[str | None, Query()] = None,
    key: Annotated[str | None, Query()] = None,
    refresh_ttl: Annotated[str | None, Query()] = None,
) -> Response:
    """Show an item; null when there is none."""
    if key is None:
        raise InvalidRequest("key: give the key of the item")
    labels = tuple((namespace or "").split("."))
    if not all(labels) or "\0" in f"{namespace}{key}":
        raise InvalidRequest("namespace: give its labels with periods between them, none empty")
    refresh = flag(refresh_ttl) if refresh_ttl is not None else None
    item = await services.items.aget(labels, key, refresh_ttl=refresh)
    return json_response(item_json(item) if item is not None else None)


@router.delete("/items")
async def delete(body: ItemDelete, services: ServicesOf) -> Response:
    """Remove an item, if there is one."""
    await services.items.adelete(tuple(body.namespace), body.key)
    return Response(status_code=204)


@router.post("/items/search")
async def search(body: ItemSearch, services: ServicesOf) -> Response:
    """Find items; the newest first, or with a query and an index the most alike."""
    found = await services.items.asearch(
        tuple(body.namespace_prefix or ()),
        query=body.query,
        filter=body.filter,
        limit=body.limit,
        offset=body.offset,
        refresh_ttl=body.refresh_ttl,
    )
    return json_response({"items": [_found_json(item) for item in found]})


def _found_json(item: Item | SearchItem) -> dict[str, Any]:
    return {**item_json(item), "score": getattr(item, "score", None)}


@router.post("/namespaces")
async def namespaces(body: NamespaceSearch, services: ServicesOf) -> Response:
    """List the namespaces that have items."""
    found = await services.items.alist_namespaces(
        prefix=tuple(body.prefix) if body.prefix else None,
        suffix=tuple(body.suffix) if body.suffix else None,
        max_depth=body.max_depth,
        limit=body.limit,
        offset=body.offset,
    )
    return json_response({"namespaces": [list(each) for each in found]})


def _writable(namespace: list[str]) -> tuple[str, ...]:
    if not namespace:
        raise BadState("Namespace cannot be empty.")
    if namespace[0] == RESERVED:
        raise BadState(f'Root label for namespace cannot be "{RESERVED}". Got: {tuple(namespace)}')
    return tuple(namespace)
