"""Counters that all processes share; while Redis is away each process counts for itself."""

import asyncio

from outrigger_server.brokers.base import Counters
from outrigger_server.brokers.redis.commands import Commands
from outrigger_server.brokers.redis.names import count_key
from outrigger_server.errors import Unavailable
from outrigger_telemetry.logging import get_logger

PATIENCE_SECONDS = 0.5
"""What a request waits for Redis at most, and only one request in each pause does."""
PAUSE_SECONDS = 1.0
"""Time without Redis before it is asked again."""

log = get_logger("outrigger.redis")


class RedisCounters:
    """See `Counters`. A count is one round trip, together with all others that wait for one."""

    def __init__(self, commands: Commands, alone: Counters) -> None:
        self._commands = commands
        self._alone = alone
        self._loop = asyncio.get_running_loop()
        self._away = False
        self._ask_at = 0.0

    async def count(self, key: str, amount: int, seconds: int) -> int:
        """See `Counters.count`."""
        if self._loop.time() >= self._ask_at:
            if self._away:  # the others need not wait while one looks whether it is back
                self._ask_at = self._loop.time() + PAUSE_SECONDS
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    counted = await self._shared(key, amount, seconds)
            except (Unavailable, TimeoutError):
                self._gone()
            else:
                self._back()
                return counted
        return await self._alone.count(key, amount, seconds)

    async def _shared(self, key: str, amount: int, seconds: int) -> int:
        name = count_key(key)
        # First with its end: a break between the two must not leave a number for ever.
        _, counted = await self._commands.ask(
            ("SET", name, 0, "EX", seconds + 1, "NX"), ("INCRBY", name, amount)
        )
        return int(counted)

    def _gone(self) -> None:
        if not self._away:
            log.warning("counting_alone")
        self._away = True
        self._ask_at = self._loop.time() + PAUSE_SECONDS

    def _back(self) -> None:
        if self._away:
            log.info("counting_together")
        self._away = False
        self._ask_at = 0.0
