"""The trace relay as one thing: what the routes, the health check and /metrics ask."""

import asyncio
import time
from concurrent.futures import Executor
from dataclasses import dataclass

from pydantic import SecretStr

from outrigger_sidecar.errors import RefusedTrace
from outrigger_sidecar.relay.forwarding import Forwarder
from outrigger_sidecar.relay.intake import Intake, Sent
from outrigger_sidecar.relay.limits import Limits
from outrigger_sidecar.relay.spool import Spool
from outrigger_sidecar.relay.upstream import Upstream

BUSY_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How the relay stands. `failing_seconds` is 0 while the upstream takes what it is sent."""

    spool_bytes: int
    spool_max_bytes: int
    pending: int
    oldest_seconds: float
    failing_seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Onward:
    """How what was taken in goes on; only with an upstream."""

    spool: Spool
    forwarder: Forwarder


class Relay:
    """What the routes, the health check and /metrics ask. Made by `open_relay`."""

    def __init__(
        self,
        intake: Intake,
        executor: Executor,
        limits: Limits,
        key: SecretStr | None,
        upstream: Upstream,
        onward: Onward | None,
    ) -> None:
        self._intake = intake
        self._executor = executor
        self._key = key
        self._receiving = 0
        self._onward = onward
        self.upstream = upstream
        self.limits = limits

    @property
    def key(self) -> str | None:
        """What senders must give as x-api-key; None: anyone may send."""
        return None if self._key is None else self._key.get_secret_value()

    async def take(self, sent: Sent) -> None:
        """Take in what was sent; when this returns it is on disk.

        Raises:
            RefusedTrace: As `Intake.take`.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._intake.take, sent)
        if self._onward is not None:
            self._onward.forwarder.wake()

    def refused(self, error: RefusedTrace) -> None:
        """Count a refusal that was not made by `take`."""
        self._intake.refused(error)

    def receive(self, count: int) -> None:
        """Note that so many bytes of a body are held in memory, or, below 0, no longer are.

        Raises:
            RefusedTrace: It would be too many at one time; not noted.
        """
        if count > 0 and self._receiving + count > self.limits.bodies:
            raise RefusedTrace(503, "busy", "too much is being sent at once", BUSY_SECONDS)
        self._receiving += count

    def standing(self) -> Standing | None:
        """Say how it stands; None without an upstream."""
        if self._onward is None:
            return None
        spool, trouble = self._onward.spool, self._onward.forwarder.trouble
        return Standing(
            spool.size(),
            spool.max_bytes,
            spool.pending(),
            spool.oldest_seconds(),
            0.0 if trouble is None else time.monotonic() - trouble.since,
            "" if trouble is None else trouble.why,
        )
