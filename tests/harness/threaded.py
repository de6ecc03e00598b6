"""A synchronous client behind the face of an asynchronous one, so one test holds for both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any


class Threaded:
    """Every call of the thing within happens in a thread; attributes are wrapped likewise."""

    def __init__(self, within: Any) -> None:
        self._within = within

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._within, name)
        if not callable(found):
            return Threaded(found)
        return _streaming(found) if name.endswith("stream") else _calling(found)


def _calling(function: Callable[..., Any]) -> Callable[..., Any]:
    async def called(*arguments: Any, **options: Any) -> Any:
        return await asyncio.to_thread(function, *arguments, **options)

    return called


def _streaming(function: Callable[..., Iterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    async def streamed(*arguments: Any, **options: Any) -> AsyncIterator[Any]:
        parts = function(*arguments, **options)
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            yield part

    return streamed
