"""Puts the relay together and runs its background work."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager

from outrigger_sidecar.relay.failed_traces import FailedTraces
from outrigger_sidecar.relay.forwarding import Forwarder
from outrigger_sidecar.relay.intake import Intake
from outrigger_sidecar.relay.limits import Limits
from outrigger_sidecar.relay.operation import Deriver
from outrigger_sidecar.relay.relay import Onward, Relay
from outrigger_sidecar.relay.sampling import TailSampler
from outrigger_sidecar.relay.spool import Spool, private_directory
from outrigger_sidecar.relay.upstream import Upstream, open_upstream
from outrigger_sidecar.relay_settings import RelaySettings
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metrics import Metrics

SYNC_SECONDS = 1.0
RESTART_SECONDS = 5.0
LAST_SECONDS = 2.0
"""What the end waits for traces that came last; less than who started the sidecar waits for it."""

log = get_logger("outrigger_sidecar.relay")


@asynccontextmanager
async def open_relay(
    settings: RelaySettings, metrics: Metrics, deriver: Deriver
) -> AsyncIterator[Relay]:
    """Run the relay for as long as the block lasts.

    Raises:
        ConfigurationError: The spool's directory cannot be used.
    """
    async with AsyncExitStack() as stack:
        works: list[Callable[[], Awaitable[None]]] = []
        upstream = await stack.enter_async_context(
            open_upstream(
                settings.relay_upstream,
                settings.upstream_key(),
                settings.relay_upstream_workspace,
                seconds=settings.relay_forward_timeout_seconds,
            )
        )
        onward = None
        if settings.relay_upstream_key is not None:
            onward = _open_onward(stack, settings, upstream, metrics, works)
        executor = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="relay"))
        limits = _limits(settings)
        spool = onward.spool if onward else None
        intake = Intake(limits, metrics, deriver, spool, redacts=settings.relay_redact)
        relay = Relay(intake, executor, limits, settings.relay_key, upstream, onward)
        directory = settings.failed_traces_to_replay()
        if directory is not None:
            pause = settings.relay_replay_seconds
            works.append(FailedTraces(directory, relay, metrics, pause=pause).replay)
        await stack.enter_async_context(_running(works))
        yield relay
        if onward is not None:
            await onward.forwarder.finish(LAST_SECONDS)


def _open_onward(
    stack: AsyncExitStack,
    settings: RelaySettings,
    upstream: Upstream,
    metrics: Metrics,
    works: list[Callable[[], Awaitable[None]]],
) -> Onward:
    stack.enter_context(private_directory(settings.relay_dir))
    ratio, slow = settings.relay_sample_ratio, settings.relay_sample_slow_seconds
    sampler = TailSampler(ratio, slow, time.time) if ratio < 1 else None
    spool = Spool(settings.relay_dir, settings.relay_spool_bytes, sampler, metrics, time.time)
    stack.callback(spool.close)
    disk = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="relay-disk"))
    forwarder = Forwarder(
        spool,
        upstream,
        metrics,
        disk,
        longest_pause=settings.relay_retry_max_seconds,
        jitter=random.random,
    )

    async def sync() -> None:
        await _sync(spool, disk)

    works += [forwarder.run, sync]
    return Onward(spool, forwarder)


def _limits(settings: RelaySettings) -> Limits:
    return Limits(
        body=settings.relay_body_bytes,
        decompressed=settings.relay_decompressed_bytes,
        part=settings.relay_part_bytes,
        parts=settings.relay_parts,
        body_seconds=settings.relay_body_seconds,
    )


async def _sync(spool: Spool, executor: Executor) -> None:
    """Bring what was appended to the disk itself, every second."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SYNC_SECONDS)
        if spool.is_unsynced:
            await loop.run_in_executor(executor, spool.sync)


@asynccontextmanager
async def _running(works: list[Callable[[], Awaitable[None]]]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_keep_going(work)) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _keep_going(work: Callable[[], Awaitable[None]]) -> None:
    """Start a work that broke again: a fault in the relay must not end health and metrics."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("relay_work_broke", work=work.__qualname__)
        await asyncio.sleep(RESTART_SECONDS)
