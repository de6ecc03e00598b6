"""The way to Redis, and the patience of those who find it gone."""

import asyncio
import time
from typing import Any, Self

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from typing_extensions import override

from outrigger_server.errors import ConfigurationError
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metrics import local_metrics
from outrigger_telemetry.pools import PoolBoard, PoolUse

log = get_logger("outrigger.redis")

AWAY = (RedisError, OSError)
"""What is raised while Redis cannot be reached, or refuses."""

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0


class WatchedPool(ConnectionPool):
    """Connections that a board shows. One is never waited for: there is always another."""

    def show_on(self, board: PoolBoard) -> Self:
        """Let the board show this pool from now on."""
        self._acquired = board.watch("redis", self._use)
        return self

    def _use(self) -> PoolUse:
        return PoolUse(len(self._in_use_connections), len(self._available_connections), 0)

    @override
    async def get_connection(self, *args: Any, **more: Any) -> AbstractConnection:
        asked_at = time.perf_counter()
        connection: AbstractConnection = await super().get_connection(*args, **more)  # type: ignore[no-untyped-call]
        self._acquired(time.perf_counter() - asked_at)
        return connection


def open_client(url: str, board: PoolBoard | None = None) -> Redis:
    """A client that connects when first used, and repeats nothing by itself.

    Raises:
        ConfigurationError: The address is none of Redis.
    """
    try:
        pool = WatchedPool.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            socket_keepalive=True,
        )
    except ValueError as error:
        fault = "REDIS_URI is no address of Redis; write redis://HOST:PORT/0"
        raise ConfigurationError([fault]) from error
    return Redis.from_pool(pool.show_on(board or PoolBoard(local_metrics(()))))


def goes_on() -> bool:
    """False once the present task was told to end.

    Loops over Redis ask for it: the client waits with `asyncio.wait_for`, which loses a
    cancellation that comes together with the answer.
    """
    task = asyncio.current_task()
    return task is None or not task.cancelling()


class Backoff:
    """Longer and longer pauses between attempts; logs that Redis is gone, and that it is back."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._pause = 0.0

    async def failed(self, error: BaseException) -> None:
        """Wait before the next attempt."""
        if not self._pause:
            log.warning("redis_away", part=self._part, error_class=type(error).__name__)
        self._pause = min(max(2 * self._pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        await asyncio.sleep(self._pause)

    def succeeded(self) -> None:
        """Begin with the shortest pause again."""
        if self._pause:
            log.info("redis_back", part=self._part)
        self._pause = 0.0
