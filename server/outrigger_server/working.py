"""Puts together what works off runs: a process that only serves the API has none of it."""

import os
import socket
from contextlib import AsyncExitStack

from outrigger_server.foundation import Foundation
from outrigger_server.runs.execute import Executor
from outrigger_server.runs.finish import Finisher
from outrigger_server.runs.recovery import Recovery
from outrigger_server.runs.supervise import Supervisor
from outrigger_server.runs.temporary import TemporaryThreads
from outrigger_server.runs.webhook_sender import WebhookSender
from outrigger_server.runs.worker import Worker
from outrigger_server.threads.sweeps import Sweeper

LOST_MESSAGE_SECONDS = 10.0
"""How long readers whose message Redis lost may still look up a run whose thread goes with it."""


async def open_worker(stack: AsyncExitStack, base: Foundation) -> Worker:
    """Open the worker, and what ends its runs and sweeps after them, until the stack is closed."""
    settings, broker = base.settings, base.broker
    sender = WebhookSender(
        database=base.database,
        clock=base.clock,
        metrics=base.metrics,
        guard=base.webhook_guard,
        rules=base.manifest.webhooks,
        settings=settings.webhooks,
    )
    temporary = TemporaryThreads(
        base.database,
        broker.events,
        base.clock,
        keep_seconds=LOST_MESSAGE_SECONDS if settings.scale.redis_uri else 0.0,
        sweep_seconds=settings.worker.lease_seconds,
    )
    afterwards = [
        (await stack.enter_async_context(sender)).ended,
        (await stack.enter_async_context(temporary)).ended,
    ]
    finisher = Finisher(
        base.database,
        broker.events,
        broker.wakeups,
        base.clock,
        base.telemetry,
        afterwards=afterwards,
    )
    recovery = Recovery(
        base.database,
        base.registry,
        finisher,
        broker.wakeups,
        base.clock,
        base.telemetry,
        max_attempts=settings.worker.max_attempts,
        alone=settings.scale.redis_uri is None,
    )
    supervisor = Supervisor(
        graph_loop=base.graph_loop,
        executor=Executor(
            base.database, broker.events, base.telemetry, base.tracing, base.item_rules
        ),
        finisher=finisher,
        events=broker.events,
        cancels=broker.cancels,
        settings=settings.worker,
    )
    worker = Worker(
        owner=f"{socket.gethostname()}-{os.getpid()}",
        database=base.database,
        wakeups=broker.wakeups,
        clock=base.clock,
        registry=base.registry,
        supervisor=supervisor,
        finisher=finisher,
        recovery=recovery,
        telemetry=base.telemetry,
        settings=settings.worker,
    )
    await stack.enter_async_context(worker)
    await stack.enter_async_context(
        Sweeper(base.database, broker.events, base.clock, base.manifest.retention)
    )
    return worker
