"""What graphs remember: items of the store, searched page by page."""

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph_sdk.schema import SearchItem

from outrigger_client.operations.steps import Sdk, Steps, call

_PAGE = 100


def memories(
    sdk: Sdk,
    namespace: Sequence[str],
    query: str | None,
    filters: Mapping[str, Any] | None,
    limit: int,
) -> Steps[list[SearchItem]]:
    """Items below a namespace: the most alike first with a `query`, else as the server has them."""
    found: list[SearchItem] = []
    while len(found) < limit:
        page = min(_PAGE, limit - len(found))
        answer = yield call(
            sdk.store.search_items,
            tuple(namespace),
            query=query,
            filter=filters,
            limit=page,
            offset=len(found),
        )
        found += answer["items"]
        if len(answer["items"]) < page:
            break
    return found
