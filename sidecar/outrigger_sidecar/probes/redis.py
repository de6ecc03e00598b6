"""Does Redis answer, and can it keep what it is given?"""

import time
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ConnectionError,  # noqa: A004  as redis calls it
    NoPermissionError,
    RedisError,
    TimeoutError,  # noqa: A004  as redis calls it
)
from redis.retry import Retry

from outrigger_sidecar.errors import ConfigurationError
from outrigger_sidecar.health import Reading
from outrigger_sidecar.probes.base import degraded, failed, ok
from outrigger_telemetry.metric_specs import REDIS_PROBE_SECONDS
from outrigger_telemetry.metrics import Metrics

FULL_RATIO = 0.9

_AWAY = (RedisError, OSError)


class RedisProbe:
    """Sends a PING, measures it, and looks at the memory. Runs finish without Redis.

    Raises:
        ConfigurationError: `uri` is no address of Redis.
    """

    name = "redis"
    is_critical = False

    def __init__(self, uri: str, metrics: Metrics, *, timeout: float) -> None:
        try:
            self._client = Redis.from_url(
                uri,
                protocol=2,
                retry=Retry(NoBackoff(), 0),
                socket_connect_timeout=timeout,
                socket_timeout=timeout,
            )
        except ValueError:
            fault = "REDIS_URI is no address of Redis (a secret, not shown)"
            raise ConfigurationError([fault]) from None
        self._metrics = metrics
        self._timeout = timeout

    def close(self) -> None:
        """Close the connection to Redis."""
        self._client.close()

    def check(self) -> Reading:
        """See `Probe.check`."""
        started = time.perf_counter()
        try:
            self._client.ping()
        except _AWAY as error:
            self._measure(started, "error")
            return failed(self._meaning(error))
        self._measure(started, "ok")
        return self._room()

    def _measure(self, started: float, result: str) -> None:
        self._metrics.observe(REDIS_PROBE_SECONDS, time.perf_counter() - started, result=result)

    def _room(self) -> Reading:
        try:
            memory: Any = self._client.info("memory")
        except NoPermissionError:
            return ok("answers; its memory is not shown to this user")
        except _AWAY as error:
            return failed(self._meaning(error))
        limit, policy = memory.get("maxmemory", 0), memory.get("maxmemory_policy", "noeviction")
        if not limit:
            return ok("answers")
        ratio = memory["used_memory"] / limit
        does = "refuses writes" if policy == "noeviction" else f"drops streams ({policy})"
        if ratio >= FULL_RATIO:
            return degraded(f"{ratio:.0%} of its memory is in use; full, it {does}")
        return ok(f"answers; {ratio:.0%} of its memory is in use, full it {does}")

    def _meaning(self, error: BaseException) -> str:
        match error:
            case AuthenticationError() | AuthorizationError() | NoPermissionError():
                return "refuses the user or password"
            case BusyLoadingError():
                return "is loading its data"
            case TimeoutError():
                return f"no answer within {self._timeout:g} s"
            case ConnectionError() | OSError():
                return "no connection"
            case _:
                return "answers with an error"
