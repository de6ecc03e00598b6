"""Takes in what the SDK put into LANGSMITH_FAILED_TRACES_DIR while the sidecar was away."""

import asyncio
import base64
import binascii
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from outrigger_sidecar.errors import RefusedTrace
from outrigger_sidecar.relay.intake import Route, Sent
from outrigger_sidecar.relay.relay import Relay
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metric_specs import RELAY_REPLAYED_FILES_TOTAL
from outrigger_telemetry.metrics import Metrics

REFUSED_SUFFIX = ".refused"
MAX_REFUSED_FILES = 20
"""Kept to be looked at; the oldest go first."""
MAX_FILES_AT_ONCE = 200

_VERSION = 1
_ROUTES: dict[str, Route] = {"runs/multipart": "multipart", "runs/batch": "batch"}
_ENVELOPE_BYTES = 64 * 1024

log = get_logger("outrigger_sidecar.relay")


class FailedTraces:
    """Looks into one directory again and again."""

    def __init__(self, directory: Path, relay: Relay, metrics: Metrics, *, pause: float) -> None:
        self._directory = directory
        self._relay = relay
        self._metrics = metrics
        self._pause = pause

    async def replay(self) -> None:
        """Take in files until cancelled. A file is deleted once what it holds is on disk."""
        while True:
            for path in await asyncio.to_thread(self._files):
                if not await self._take(path):
                    break  # the spool cannot be written now
            await asyncio.sleep(self._pause)

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob("trace_*.json"))[:MAX_FILES_AT_ONCE]

    async def _take(self, path: Path) -> bool:
        try:
            sent = await asyncio.to_thread(self._read, path)
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            self._put_aside(path, "not readable")
            return True
        try:
            await self._relay.take(sent)
        except RefusedTrace as error:
            if error.retry_after:
                return False
            self._put_aside(path, str(error))
            return True
        await asyncio.to_thread(path.unlink, missing_ok=True)
        self._metrics.increment(RELAY_REPLAYED_FILES_TOTAL, result="ok")
        return True

    def _read(self, path: Path) -> Sent:
        most = _ENVELOPE_BYTES + self._relay.limits.body * 4 // 3
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(file, "rb") as reader:
            found = os.fstat(reader.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > most:
                raise ValueError("not a file of the SDK")
            return read_envelope(reader.read(most))

    def _put_aside(self, path: Path, reason: str) -> None:
        self._metrics.increment(RELAY_REPLAYED_FILES_TOTAL, result="refused")
        log.warning("relay_failed_trace_refused", file=path.name, reason=reason)
        with suppress(OSError):
            path.rename(path.with_suffix(REFUSED_SUFFIX))
        refused = sorted(self._directory.glob(f"trace_*{REFUSED_SUFFIX}"))
        for old in refused[:-MAX_REFUSED_FILES]:
            old.unlink(missing_ok=True)


def read_envelope(content: bytes) -> Sent:
    """Read what the SDK wrote: endpoint, headers and body of the request that failed.

    Raises:
        ValueError: It is something else.
    """
    envelope = orjson.loads(content)
    if not isinstance(envelope, dict) or envelope.get("version") != _VERSION:
        raise ValueError("unknown version")
    route = _ROUTES.get(str(envelope.get("endpoint")))
    if route is None:
        raise ValueError("unknown endpoint")
    found: Any = envelope.get("headers")
    headers = found.items() if isinstance(found, dict) else ()
    by_name = {str(name).lower(): str(value) for name, value in headers}
    try:
        body = base64.b64decode(str(envelope.get("body_base64")), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    return Sent(route, body, by_name.get("content-type", ""), by_name.get("content-encoding", ""))
