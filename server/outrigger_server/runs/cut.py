"""The cut: stops an attempt for good, whatever its nodes do.

1. The row says `cancel_requested` already; the graph is asked to drain and cancelled once.
2. It gets the grace to stop: a node's cleanup may run and LangGraph may save.
3. When it has not stopped by then, the fence closes: it can write nothing any more.
4. One transaction ends the run, and the next one may start.

What still runs after that is a zombie: it keeps its slot until it ends by itself.
"""

import asyncio
from contextlib import suppress

from outrigger_server.errors import WritesLost
from outrigger_server.graphs.loop import GraphTask
from outrigger_server.runs.attempt import Attempt, Order
from outrigger_server.runs.execute import EndKind
from outrigger_server.runs.finish import Finisher
from outrigger_telemetry.logging import get_logger

log = get_logger("outrigger.runs")


async def cut(
    attempt: Attempt, task: GraphTask, finisher: Finisher, *, grace_seconds: float
) -> None:
    """Stop the attempt and end its run as the attempt's order says."""
    await stop(attempt, task, grace_seconds)
    attempt.live = False
    run = attempt.run
    if task.quiet.is_set():
        await finisher.settle()
    else:
        log.warning("attempt_is_a_zombie", run_id=run.run_id, attempt=run.attempt)
        await finisher.fence(run)
    await _end(attempt, task, finisher)


async def stop(attempt: Attempt, task: GraphTask, grace_seconds: float) -> None:
    """Ask the graph to stop, once, and wait until it has or the grace is over."""
    attempt.control.request_drain(attempt.order or "stop")
    task.cancel_once()
    try:
        async with asyncio.timeout(grace_seconds):
            await task.quiet.wait()
    except TimeoutError:
        return


async def _end(attempt: Attempt, task: GraphTask, finisher: Finisher) -> None:
    run, source = attempt.run, attempt.source
    ending = task.ended.result() if task.ended.done() else None
    if attempt.order in (Order.TIME_OUT, Order.HAND_BACK) and ending is not None:
        with suppress(WritesLost):  # then what was written counts
            if ending.kind is EndKind.DONE:
                await finisher.succeed(run, source, ending)
                return
    match attempt.order:
        case Order.ROLLBACK:
            await finisher.roll_back(run)
        case Order.INTERRUPT:
            await finisher.interrupt(run, source, shown=attempt.shown)
        case Order.LET_GO | None:
            return
        case Order.TIME_OUT:
            await finisher.time_out(run, source)
        case Order.HAND_BACK:
            if not await finisher.hand_back(run):
                await finisher.interrupt(run, source, shown=attempt.shown)
