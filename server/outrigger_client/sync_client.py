"""The client for threads. Its twin for an event loop is `client.py`."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx
from langgraph_sdk.client import SyncLangGraphClient
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
from outrigger_client.operations.steps import take
from outrigger_client.operations.timed_runs import TimedRun
from outrigger_client.settings import ClientSettings
from outrigger_client.transport.connections import headers_of, limits_of, timeout_of
from outrigger_client.transport.exchange import FROM_THE_START, Exchanger
from outrigger_client.transport.synchronous import SyncResilientTransport

T = TypeVar("T")
DEFAULTS = ClientSettings()


class SyncClient:
    """A LangGraph server, with patience. Use it as `with SyncClient(url) as client`.

    Any number of threads may share it. `client.sdk` is the SDK's own client over the same
    connections: every method of it repeats what is safe and resumes its streams. The methods
    here add what takes more than one call.
    """

    sdk: SyncLangGraphClient

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        settings: ClientSettings = DEFAULTS,
        hook: Hook = no_hook,
        transport: httpx.BaseTransport | None = None,
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
        self._looking_up = threading.Lock()
        exchanger = Exchanger(settings.retries, settings.timeouts, self._hear)
        inner = transport or httpx.HTTPTransport(
            verify=settings.pool.tls or True, limits=limits_of(settings.pool)
        )
        self.sdk = SyncLangGraphClient(
            httpx.Client(
                base_url=url,
                transport=SyncResilientTransport(inner, exchanger),
                timeout=timeout_of(settings.timeouts),
                headers=headers_of(api_key, headers),
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.sdk.close()

    def _hear(self, event: Event) -> None:
        self._cache.hear(event)
        self._hook(event)

    def create_thread(
        self, *, metadata: Mapping[str, Any] | None = None, graph_id: str | None = None
    ) -> Thread:
        """Make a thread, exactly one, on any server: its id is chosen here."""
        return self.sdk.threads.create(
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
    ) -> Iterator[StreamPart]:
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
    ) -> Iterator[StreamPart]:
        """Stream a run that exists, from its first event or from behind one.

        Raises:
            StreamLost: It cannot go on without a gap; the run goes on.
        """
        return self.sdk.runs.join_stream(thread_id, run_id, last_event_id=last_event_id)

    def run_with_timeout(
        self,
        thread_id: str | None,
        assistant_id: str,
        seconds: float,
        **options: Unpack[RunOptions],
    ) -> FinishedRun:
        """Create a run and wait for its end, at most for `seconds`; then it is cancelled.

        Without a thread it gets one of its own, which goes with it.

        Raises:
            RunTimedOut: It was not done in time.
            RunFailed: The graph raised.
            RunSuperseded: Somebody else stopped it.
        """
        cancel_seconds = self._settings.timeouts.cancel_seconds
        run = TimedRun(self.sdk, thread_id, assistant_id, seconds, cancel_seconds, time.monotonic)
        return take(run.steps({**options}))

    def handle_double_text(
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
        return take(double_text(busy, assistant_id, strategy, settle_seconds, {**options}))

    def gather(self, calls: Iterable[Callable[[], T]], *, limit: int = 10) -> list[T]:
        """Results in the order of the calls, each in one of at most `limit` threads.

        After the first failure no more are started; it is raised when those under way have ended.
        """
        return gathering.gather_in_threads(calls, limit=limit)

    def assistant(self, assistant_id: str) -> Assistant:
        """An assistant, from the cache if it was asked for lately; many at once ask once.

        Changes through this client count at once, others after `assistants_ttl_seconds`.
        """
        found = self._cache.get(assistant_id)
        if found is None:
            with self._looking_up:
                found = self._cache.get(assistant_id)
                if found is None:
                    self._hook(AssistantLookedUp(cached=False))
                    return take(looked_up(self.sdk, self._cache, assistant_id))
        self._hook(AssistantLookedUp(cached=True))
        return found

    def forget_assistants(self) -> None:
        """Ask the server again for each assistant."""
        self._cache.forget()

    def get_state(self, thread_id: str) -> ThreadState:
        """What a thread's history has come to."""
        return self.sdk.threads.get_state(thread_id)

    def update_state(
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
        answer: ThreadUpdateStateResponse = take(updated_state(busy, values, as_node))
        return answer

    def search_memory(
        self,
        namespace: Sequence[str],
        *,
        query: str | None = None,
        filters: Mapping[str, Any] | None = None,
        limit: int = 10,
    ) -> list[SearchItem]:
        """Items below a namespace, however many pages they take; with a `query`, the most alike."""
        return take(memories(self.sdk, namespace, query, filters, limit))
