"""The event loop that graphs run on, in a thread of its own, with the pool of sync nodes.

A node that blocks the loop delays other graphs at most: never the API, a lease or a
stream's heartbeat. Sync nodes run in the bounded node pool, which our own code and the
savers never use, so a pool full of sleeping nodes stops nothing of ours.
"""

import asyncio
import contextvars
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import uvloop
from typing_extensions import override

from outrigger_server.errors import GraphFailed
from outrigger_telemetry.logging import get_logger

STOP_SECONDS = 1.0
"""What graphs get to end themselves when the loop is closed."""

Result = TypeVar("Result")
P = ParamSpec("P")

log = get_logger("outrigger.graphs")

_occupant: contextvars.ContextVar[str | None] = contextvars.ContextVar("occupant", default=None)


class NodePool(ThreadPoolExecutor):
    """The threads sync nodes run in; knows for which task each of them works."""

    def __init__(self, threads: int, on_free: Callable[[str], None]) -> None:
        super().__init__(threads, "node")
        self._guard = threading.Lock()
        self._busy: Counter[str] = Counter()
        self._on_free = on_free

    @override
    def submit(
        self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result]:
        occupant = _occupant.get()
        future = super().submit(fn, *args, **kwargs)
        if occupant is not None:
            with self._guard:
                self._busy[occupant] += 1
            future.add_done_callback(lambda _: self._free(occupant))
        return future

    def busy(self, occupant: str) -> bool:
        """True while a thread works or is about to work for the task."""
        with self._guard:
            return self._busy[occupant] > 0

    @property
    def any_busy(self) -> bool:
        """True while a thread works for anybody."""
        with self._guard:
            return bool(self._busy)

    def _free(self, occupant: str) -> None:
        with self._guard:
            self._busy[occupant] -= 1
            if self._busy[occupant] > 0:
                return
            del self._busy[occupant]
        self._on_free(occupant)


@dataclass(eq=False)
class GraphTask:
    """A coroutine on the graph loop, seen from the server's loop.

    `ended` is done once the coroutine returned or raised, with None when it was cancelled;
    `quiet` once, after that, no thread of the node pool works for it any more either.
    """

    name: str
    ended: asyncio.Future[Any]
    quiet: asyncio.Event
    _cancel: Callable[[], None]
    _cancelled: bool = False

    def cancel_once(self) -> None:
        """Ask the coroutine to stop; a second call does nothing.

        A second cancellation would end the task while LangGraph still saves.
        """
        if not self._cancelled:
            self._cancelled = True
            self._cancel()


class GraphLoop:
    """Runs coroutines of graphs; open it with `async with` on the server's loop."""

    def __init__(self, node_threads: int) -> None:
        self._node_threads = node_threads
        self._tasks: dict[str, GraphTask] = {}

    async def __aenter__(self) -> Self:
        self._home = asyncio.get_running_loop()
        self._loop = uvloop.new_event_loop()
        self._pool = NodePool(self._node_threads, self._thread_freed)
        self._loop.set_default_executor(self._pool)
        self._thread = threading.Thread(target=self._run, name="graph-loop", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A node that never returns must not keep the process: both are left to die with it.
        self._loop.call_soon_threadsafe(self._cancel_all)
        self._pool.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._thread.join, STOP_SECONDS)

    def _cancel_all(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_later(STOP_SECONDS / 10, self._loop.stop)

    @property
    def stuck(self) -> bool:
        """True after the end when code of a graph still runs and would keep the process."""
        return self._thread.is_alive() or self._pool.any_busy

    def start(self, name: str, coroutine: Coroutine[Any, Any, Result]) -> GraphTask:
        """Start the coroutine under a `name` that no running task has."""
        box: list[asyncio.Task[Result]] = []

        def cancel() -> None:
            self._loop.call_soon_threadsafe(lambda: box[0].cancel() if box else None)

        task = GraphTask(name, self._home.create_future(), asyncio.Event(), cancel)
        context = contextvars.copy_context()  # log lines from inside carry the caller's ids
        self._tasks[name] = task

        def begin() -> None:
            context.run(_occupant.set, name)
            box.append(self._loop.create_task(coroutine, name=name, context=context))
            box[0].add_done_callback(finish)

        def finish(done: asyncio.Task[Result]) -> None:
            self._call_home(self._ended, task, done)

        self._loop.call_soon_threadsafe(begin)
        return task

    async def call(self, name: str, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run the coroutine on the graph loop and return its result.

        Cancelling the caller leaves the coroutine to end by itself.
        """
        task = self.start(name, coroutine)
        result: Result = await asyncio.shield(task.ended)
        return result

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while True:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:
                # A node called exit(): asyncio hands that to whoever runs the loop, too.
                log.warning("graph_tried_to_exit", error_class=type(error).__name__)
            else:
                return

    def _call_home(self, callback: Callable[..., None], *arguments: Any) -> None:
        try:
            self._home.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the server's loop is closed: nobody waits any more
            return

    def _ended(self, task: GraphTask, done: asyncio.Task[Any]) -> None:
        if not task.ended.done():
            error = None if done.cancelled() else done.exception()
            if isinstance(error, (SystemExit, KeyboardInterrupt)):
                # As it is, it would end this loop as well, and the server with it.
                error = GraphFailed(type(error).__name__, str(error))
            if error is not None:
                task.ended.set_exception(error)
            else:
                # Also when it was cancelled before its first step, which it cannot catch.
                task.ended.set_result(None if done.cancelled() else done.result())
        self._settle(task)

    def _thread_freed(self, name: str) -> None:
        self._call_home(self._settle_by_name, name)

    def _settle_by_name(self, name: str) -> None:
        task = self._tasks.get(name)
        if task is not None:
            self._settle(task)

    def _settle(self, task: GraphTask) -> None:
        if task.ended.done() and not self._pool.busy(task.name):
            task.quiet.set()
            self._tasks.pop(task.name, None)
