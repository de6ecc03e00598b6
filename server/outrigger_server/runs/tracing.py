"""Traces of runs: what LangSmith's SDK sends of each attempt, when tracing is on.

Whether it is, where traces go and what they may contain is said by the SDK's own environment
variables (`LANGSMITH_TRACING`, `LANGSMITH_ENDPOINT`, `LANGSMITH_PROJECT`, …). While it is off,
no client of it is made.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langchain_core.tracers.langchain import LangChainTracer, get_client
from langchain_core.tracers.schemas import Run as Span
from langsmith import Client, tracing_context
from langsmith.run_trees import WriteReplica
from langsmith.utils import get_tracer_project, tracing_is_enabled
from structlog.contextvars import bound_contextvars
from typing_extensions import override
from uuid_utils.compat import uuid7

from outrigger_server.domain.clock import MICROSECONDS
from outrigger_server.domain.run import Run
from outrigger_telemetry.logging import get_logger

FLUSH_SECONDS = 3.0
"""What the end of the process waits for traces that are not sent yet."""

WAIT_SPAN = "queue_wait"
ORIGINAL_TRACE = "original_trace_id"
"""Metadata of a trace that goes to two projects: which of them is the original."""

log = get_logger("outrigger.tracing")


class RunTracing:
    """Traces attempts; at the end of the `async with` block what is left is sent.

    `stuck` is true after that when it could not be sent in time and a thread still tries.
    """

    def __init__(
        self,
        environment: str,
        client: Callable[[], Client] = get_client,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._environment = environment
        self._client = client
        self._flush_seconds = flush_seconds
        self._used = False
        self._broken = False
        self.stuck = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._used and not await _flushed(self._client(), self._flush_seconds):
            self.stuck = True
            log.warning("traces_not_sent", seconds=self._flush_seconds)

    @contextmanager
    def traced(self, run: Run, config: RunnableConfig) -> Iterator[RunnableConfig]:
        """Give the configuration with which the attempt is traced; as it was while tracing is off.

        The trace of the first attempt has the run's id, a later one an id of its own; lines that
        are logged meanwhile name it.
        """
        client = self._client_if_on()
        if client is None:
            yield config
            return
        asked: Mapping[str, Any] = run.kwargs.get("langsmith_tracer") or {}
        second = _second_project(asked)
        trace_id = config.get("run_id") or uuid7()
        # Not in the run's own metadata: checkpoints hold those, and should be as elsewhere.
        metadata = {
            "environment": self._environment,
            "multitask_strategy": run.multitask_strategy,
        }
        if second is not None:
            metadata[ORIGINAL_TRACE] = str(trace_id)
        tracer = RunTracer(
            metadata=metadata,
            client=client,
            example_id=None if second else asked.get("example_id"),
        )
        if run.attempt == 1 and run.started_at is not None:
            tracer.wait = Wait(trace_id, _time(run.created_at), _time(run.started_at))
        traced: RunnableConfig = {**config, "run_id": trace_id, "callbacks": [tracer]}
        copies: AbstractContextManager[None] = nullcontext()
        if second is not None:
            copies = tracing_context(replicas=_both_projects(second, asked.get("example_id")))
        with bound_contextvars(trace_id=str(trace_id)), copies:
            yield traced

    def _client_if_on(self) -> Client | None:
        if tracing_is_enabled() is not True:
            return None
        try:
            client = self._client()
        except Exception as error:  # noqa: BLE001  the edge: a wrong variable of the SDK costs no run
            if not self._broken:
                self._broken = True
                log.warning("not_traced", error_class=type(error).__name__)
            return None
        self._used = True
        return client


@dataclass(frozen=True, slots=True)
class Wait:
    """When the run of a trace was due, and when a worker took it."""

    trace_id: UUID
    due: datetime
    taken: datetime


class RunTracer(LangChainTracer):
    """LangChain's tracer, with the wait in the queue as the root's first child.

    The root begins when the run was due: LangSmith takes no child that is older than its parent.
    """

    wait: Wait | None = None

    @override
    def copy_with_metadata_defaults(
        self, *, metadata: Mapping[str, str] | None = None, tags: list[str] | None = None
    ) -> LangChainTracer:
        copy = super().copy_with_metadata_defaults(metadata=metadata, tags=tags)
        if isinstance(copy, RunTracer):
            copy.wait = self.wait
        return copy

    @override
    def _start_trace(self, run: Span) -> None:
        if self.wait is not None and run.id == self.wait.trace_id:
            run.start_time = min(run.start_time, self.wait.due)
        super()._start_trace(run)

    @override
    def on_chain_start(self, serialized: dict[str, Any], inputs: Any, **given: Any) -> Span:
        span = super().on_chain_start(serialized, inputs, **given)
        if self.wait is not None and span.id == self.wait.trace_id:
            _post_wait(span, self.wait.taken)
        return span


def _post_wait(root: Span, until: datetime) -> None:
    wait = root.create_child(
        WAIT_SPAN,
        run_type="chain",
        start_time=root.start_time,
        end_time=max(root.start_time, until),
        extra={"metadata": dict(root.metadata)},
    )
    wait.post()


def _second_project(asked: Mapping[str, Any]) -> str | None:
    name = asked.get("project_name")
    return name if name and name != get_tracer_project() else None


def _both_projects(second: str, example: str | None) -> list[WriteReplica]:
    copy = WriteReplica(project_name=second)
    if example is not None:
        copy["updates"] = {"reference_example_id": example}
    return [WriteReplica(project_name=get_tracer_project(), primary=True), copy]


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / MICROSECONDS, UTC)


async def _flushed(client: Client, seconds: float) -> bool:
    """Send what is left; False when it takes longer than the end of the process may."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def flush() -> None:
        client.flush()  # with a time limit it would not say whether all is sent
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(done.set)

    # A thread that no shutdown waits for: what it sends to may never answer.
    threading.Thread(target=flush, name="flush-traces", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            await done.wait()
    except TimeoutError:
        return False
    return True
