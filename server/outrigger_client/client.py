"""The client for an event loop. Its twin for threads is `sync_client.py`."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.schema import (
    Assistant,
    SearchItem,
    StreamPart,
    Thread,
    ThreadState,
    ThreadUpdateStateResponse,
)
from typing_extensions import Unpack

from outrigger_client import gathering
from outrigger_client.events import AssistantLookedUp, Event, Hook, no_hook
from outrigger_client.operations.assistants import AssistantCache, looked_up
from outrigger_client.operations.double_texts import (
    BusyThread,
    DoubleText,
    double_text,
    updated_state,
)
from outrigger_client.operations.endings import FinishedRun
from outrigger_client.operations.memories import memories
from outrigger_client.operations.options import RunOptions, Strategy
from outrigger_client.operations.steps import take_async
from outrigger_client.operations.timed_runs import TimedRun
from outrigger_client.settings import ClientSettings
from outrigger_client.transport.asynchronous import ResilientTransport
from outrigger_client.transport.connections import headers_of, limits_of, timeout_of
from outrigger_client.transport.exchange import FROM_THE_START, Exchanger

T = TypeVar("T")
DEFAULTS = ClientSettings()


class Client:
    """A LangGraph server, with patience. Use it as `async with Client(url) as client`.

    `client.sdk` is the SDK's own client over the same connections: every method of it repeats
    what is safe and resumes its streams. The methods here add what takes more than one call.
    """

    sdk: LangGraphClient

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        settings: ClientSettings = DEFAULTS,
        hook: Hook = no_hook,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet, and no environment variable is read.

        Args:
            url: Where the server is, with its prefix if it has one.
            api_key: Sent as `x-api-key`.
            headers: Sent with every request, such as `Authorization`.
            settings: How patient it is.
            hook: Told what happens, for metrics.
            transport: What to send with in place of a pool of connections of its own.
        """
        self._settings = settings
        self._hook = hook
        self._cache = AssistantCache(
            settings.assistants_ttl_seconds, settings.assistants_kept, time.monotonic
        )
        self._looking_up = asyncio.Lock()
        exchanger = Exchanger(settings.retries, settings.timeouts, self._hear)
        inner = transport or httpx.AsyncHTTPTransport(
            verify=settings.pool.tls or True, limits=limits_of(settings.pool)
        )
        self.sdk = LangGraphClient(
            httpx.AsyncClient(
                base_url=url,
                transport=ResilientTransport(inner, exchanger),
                timeout=timeout_of(settings.timeouts),
                headers=headers_of(api_key, headers),
            )
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self.sdk.aclose()

    def _hear(self, event: Event) -> None:
        self._cache.hear(event)
        self._hook(event)

    async def create_thread(
        self, *, metadata: Mapping[str, Any] | None = None, graph_id: str | None = None
    ) -> Thread:
        """Make a thread, exactly one, on any server: its id is chosen here."""
        return await self.sdk.threads.create(
            thread_id=str(uuid4()),
            if_exists="do_nothing",
            metadata=None if metadata is None else dict(metadata),
            graph_id=graph_id,
        )

    def stream(
        self,
        thread_id: str,
        assistant_id: str,
        *,
        strategy: Strategy | None = None,
        **options: Unpack[RunOptions],
    ) -> AsyncIterator[StreamPart]:
        """Create a run and stream it, whole and in order, over as many connections as it takes.

        Raises:
            langgraph_sdk.errors.ConflictError: The strategy is `reject` and the thread is busy.
            StreamLost: It cannot go on without a gap; the run goes on.
            OutcomeUnknown: The creation's answer was lost.
        """
        return self.sdk.runs.stream(
            thread_id,
            assistant_id,
            stream_resumable=True,
            multitask_strategy=strategy,
            **options,
        )

    def join_stream(
        self, thread_id: str, run_id: str, *, last_event_id: str = FROM_THE_START
    ) -> AsyncIterator[StreamPart]:
        """Stream a run that exists, from its first event or from behind one.

        Raises:
            StreamLost: It cannot go on without a gap; the run goes on.
        """
        return self.sdk.runs.join_stream(thread_id, run_id, last_event_id=last_event_id)

    async def run_with_timeout(
        self,
        thread_id: str | None,
        assistant_id: str,
        seconds: float,
        **options: Unpack[RunOptions],
    ) -> FinishedRun:
        """Create a run and wait for its end, at most for `seconds`; then it is cancelled.

        It is cancelled, too, when the caller is. Without a thread it gets one of its own, which
        goes with it.

        Raises:
            RunTimedOut: It was not done in time.
            RunFailed: The graph raised.
            RunSuperseded: Somebody else stopped it.
        """
        cancel_seconds = self._settings.timeouts.cancel_seconds
        run = TimedRun(self.sdk, thread_id, assistant_id, seconds, cancel_seconds, time.monotonic)
        return await take_async(run.steps({**options}))

    async def handle_double_text(
        self,
        thread_id: str,
        assistant_id: str,
        strategy: Strategy,
        *,
        patience_seconds: float = 0.0,
        settle_seconds: float = 10.0,
        **options: Unpack[RunOptions],
    ) -> DoubleText:
        """Create a run on a thread that may be busy, and say what came of the runs it met.

        `reject` waits for the thread at most `patience_seconds`. `enqueue` says which runs go
        first. `interrupt` and `rollback` return when those they met have stopped, or after
        `settle_seconds`. The run can be streamed with `join_stream`.

        Raises:
            ThreadBusy: The strategy is `reject` and the thread is busy; nothing was created.
        """
        busy = BusyThread(self.sdk, thread_id, patience_seconds, time.monotonic)
        return await take_async(
            double_text(busy, assistant_id, strategy, settle_seconds, {**options})
        )

    async def gather(
        self, calls: Iterable[Callable[[], Awaitable[T]]], *, limit: int = 10
    ) -> list[T]:
        """Results in the order of the calls, of which at most `limit` are under way at once.

        The first failure cancels those under way, starts no more, and is raised.
        """
        return await gathering.gather(calls, limit=limit)

    async def assistant(self, assistant_id: str) -> Assistant:
        """An assistant, from the cache if it was asked for lately; many at once ask once.

        Changes through this client count at once, others after `assistants_ttl_seconds`.
        """
        found = self._cache.get(assistant_id)
        if found is None:
            async with self._looking_up:
                found = self._cache.get(assistant_id)
                if found is None:
                    self._hook(AssistantLookedUp(cached=False))
                    return await take_async(looked_up(self.sdk, self._cache, assistant_id))
        self._hook(AssistantLookedUp(cached=True))
        return found

    def forget_assistants(self) -> None:
        """Ask the server again for each assistant."""
        self._cache.forget()

    async def get_state(self, thread_id: str) -> ThreadState:
        """What a thread's history has come to."""
        return await self.sdk.threads.get_state(thread_id)

    async def update_state(
        self,
        thread_id: str,
        values: dict[str, Any] | Sequence[dict[str, Any]] | None,
        *,
        as_node: str | None = None,
        patience_seconds: float = 0.0,
    ) -> ThreadUpdateStateResponse:
        """Write into a thread's state; wait at most `patience_seconds` for it to be free.

        Raises:
            ThreadBusy: A run is in flight; nothing was written.
            OutcomeUnknown: The answer was lost: look at the state before writing again.
        """
        busy = BusyThread(self.sdk, thread_id, patience_seconds, time.monotonic)
        answer: ThreadUpdateStateResponse = await take_async(updated_state(busy, values, as_node))
        return answer

    async def search_memory(
        self,
        namespace: Sequence[str],
        *,
        query: str | None = None,
        filters: Mapping[str, Any] | None = None,
        limit: int = 10,
    ) -> list[SearchItem]:
        """Items below a namespace, however many pages they take; with a `query`, the most alike."""
        return await take_async(memories(self.sdk, namespace, query, filters, limit))
