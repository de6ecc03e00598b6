"""What is measured of a server: throughput, the time to the first frame, the time of a cut."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any

from benchmarks.engine.caller import FAILURES, Caller, reason_of, text_of
from benchmarks.engine.chain import MARKS, is_whole, run_body
from benchmarks.engine.closed_loop import MOST_REASONS, Moments, closed_loop
from benchmarks.engine.figures import latencies
from benchmarks.engine.frames import Frame
from benchmarks.engine.messages import BadAnswerError
from benchmarks.engine.plan import REQUEST_SECONDS, Repeats, Window

# A run that sleeps as long is only ended by a cut.
SLEEP_SECONDS = 30.0
# Pause between two looks at a run that is being cut.
LOOK_SECONDS = 0.005
# The steps a cut run had finished before its second node slept.
FINISHED = MARKS[:2]

# Seconds by the name of what was timed.
Timing = dict[str, float]


async def throughput(port: int, clients: int, window: Window, moments: Moments) -> dict[str, Any]:
    """Create a thread and wait for a run on it, over and over, with so many clients."""
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(Caller(port)) for _ in range(clients)]
        return await closed_loop([each.wait_for_run for each in callers], window, moments)


async def first_frames(port: int, repeats: Repeats) -> dict[str, Any]:
    """Stream run after run; time the first frame and the first values."""
    async with Caller(port) as caller:
        return await _repeated(lambda: _first_frame(caller), [caller], repeats)


async def cuts(port: int, repeats: Repeats) -> dict[str, Any]:
    """Interrupt a sleeping run with a new one, over and over."""
    async with Caller(port) as first, Caller(port) as second, Caller(port) as watcher:
        callers = [first, second, watcher]
        return await _repeated(lambda: _cut(first, second, watcher), callers, repeats)


async def _repeated(
    once: Callable[[], Awaitable[Timing]], callers: list[Caller], repeats: Repeats
) -> dict[str, Any]:
    """Do it one after the other until enough; return the percentiles of each timing."""
    timings: list[Timing] = []
    failures: Counter[str] = Counter()
    until = time.perf_counter() + repeats.most_seconds
    for _ in range(repeats.most):
        if time.perf_counter() >= until:
            break
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                timings.append(await once())
        except FAILURES as error:
            failures[reason_of(error)] += 1
            for caller in callers:
                await caller.drop()
    return {
        "times": len(timings),
        **{name: latencies([each[name] for each in timings]) for name in (timings or [{}])[0]},
        "failed": failures.total(),
        "reasons": dict(failures.most_common(MOST_REASONS)),
    }


async def _first_frame(caller: Caller) -> Timing:
    thread_id = await caller.create_thread()
    return await _timed_stream(caller, thread_id, run_body(stream_mode="values"), before=())


async def _timed_stream(
    caller: Caller, thread_id: str, body: dict[str, Any], *, before: tuple[str, ...]
) -> Timing:
    """Stream a run to its end; time its first frame and its first values from the request on."""
    connection = await caller.connection()
    timing: Timing = {}
    values: object = None
    began = time.perf_counter()
    async for frame in connection.stream(f"/threads/{thread_id}/runs/stream", body):
        timing.setdefault("first_frame", time.perf_counter() - began)
        if frame.event == "values":
            timing.setdefault("first_values", time.perf_counter() - began)
            values = frame.json()
    if not is_whole(values, before=before):
        raise BadAnswerError(f"wrong values: {str(values)[:80]}")
    return timing


async def _cut(first: Caller, second: Caller, watcher: Caller) -> Timing:
    """Time from the interrupting request to the cut run's end, and to the new run's frames."""
    thread_id = await second.create_thread()
    run_id = await _sleeping_run(first, thread_id)
    await watcher.connection()
    began = time.perf_counter()
    body = run_body(stream_mode="values", multitask_strategy="interrupt")
    try:
        async with asyncio.TaskGroup() as group:
            seen = group.create_task(_seen_interrupted(watcher, thread_id, run_id))
            timing = await _timed_stream(second, thread_id, body, before=FINISHED)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    await first.drop()
    return {"interrupted": seen.result() - began, **timing}


async def _sleeping_run(caller: Caller, thread_id: str) -> str:
    """Start a run, and return its id when its second node is about to sleep.

    Its stream is left open: closing the connection is no part of what is timed.
    """
    connection = await caller.connection()
    body = run_body(SLEEP_SECONDS, stream_mode="updates", on_disconnect="continue")
    frames: list[Frame] = []
    stream = connection.stream(f"/threads/{thread_id}/runs/stream", body)
    async with aclosing(stream):
        async for frame in stream:
            frames.append(frame)
            if frame.event == "updates":
                return text_of(frames[0].json(), "run_id")
    raise BadAnswerError("the stream of a sleeping run ended")


async def _seen_interrupted(caller: Caller, thread_id: str, run_id: str) -> float:
    """Return the moment when the run shows as interrupted."""
    connection = await caller.connection()
    while True:
        run = await connection.ask("GET", f"/threads/{thread_id}/runs/{run_id}")
        status = text_of(run, "status")
        if status == "interrupted":
            return time.perf_counter()
        if status not in {"pending", "running"}:
            raise BadAnswerError(f"the cut run ended as {status}")
        await asyncio.sleep(LOOK_SECONDS)
