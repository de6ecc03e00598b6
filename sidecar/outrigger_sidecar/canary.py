"""Runs an assistant now and then, the whole way a user's run goes, and measures how long it took.

Nothing is made that stays: the thread is deleted, whatever became of the run.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx

from outrigger_sidecar.remote_server import api_key_header
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metric_specs import CANARY_SECONDS
from outrigger_telemetry.metrics import Metrics

_CLEANUP_SECONDS = 2.0

log = get_logger("outrigger_sidecar.canary")


@dataclass(frozen=True, slots=True)
class Song:
    """Which assistant is run, with what, how often, and how long it may take."""

    assistant: str
    input: Mapping[str, Any]
    interval: float
    timeout: float


@dataclass(slots=True)
class Outcome:
    """What became of one run; `run_id` is the id of its trace, too."""

    result: str
    seconds: float
    run_id: str | None = None


class Canary:
    """Sings at the server at `target`, again and again."""

    def __init__(
        self, target: str, song: Song, metrics: Metrics, *, api_key: str | None = None
    ) -> None:
        self._target = target
        self._song = song
        self._metrics = metrics
        self._headers = api_key_header(api_key)
        self._was = "ok"

    async def sing_for_ever(self) -> None:
        """Sing until cancelled, with the song's pause after each time."""
        while True:
            self._note(await self.sing())
            await asyncio.sleep(self._song.interval)

    async def sing(self) -> Outcome:
        """Create a thread, run the assistant on it, wait for its end; then delete the thread."""
        outcome = Outcome("error", 0.0)
        thread_id = str(uuid.uuid4())  # ours, so that it can be deleted whatever is answered
        started = time.monotonic()
        async with httpx.AsyncClient(
            base_url=self._target,
            headers=self._headers,
            timeout=self._song.timeout,
            trust_env=False,
            verify=self._target.startswith("https://"),
        ) as client:
            try:
                async with asyncio.timeout(self._song.timeout):
                    outcome.result = await self._run(client, thread_id, outcome)
            except (TimeoutError, httpx.TimeoutException):
                outcome.result = "timeout"
            except (httpx.HTTPError, ValueError, KeyError, TypeError):
                outcome.result = "error"
            finally:
                outcome.seconds = time.monotonic() - started
                await self._delete(client, thread_id)
        return outcome

    async def _run(self, client: httpx.AsyncClient, thread_id: str, outcome: Outcome) -> str:
        thread = {"thread_id": thread_id, "metadata": {"outrigger": "canary"}}
        await self._post(client, "/threads", thread)
        runs = f"/threads/{thread_id}/runs"
        asked = {"assistant_id": self._song.assistant, "input": self._song.input}
        run = await self._post(client, runs, asked)
        outcome.run_id = str(run["run_id"])
        (await client.get(f"{runs}/{outcome.run_id}/join")).raise_for_status()
        ended = (await client.get(f"{runs}/{outcome.run_id}")).raise_for_status().json()
        return "ok" if ended["status"] == "success" else "error"

    async def _post(self, client: httpx.AsyncClient, path: str, body: object) -> Any:
        return (await client.post(path, json=body)).raise_for_status().json()

    async def _delete(self, client: httpx.AsyncClient, thread_id: str) -> None:
        with suppress(httpx.HTTPError, TimeoutError):  # the next song is not kept from its turn
            async with asyncio.timeout(_CLEANUP_SECONDS):
                await client.delete(f"/threads/{thread_id}")

    def _note(self, outcome: Outcome) -> None:
        example = {"trace_id": outcome.run_id} if outcome.run_id else None
        self._metrics.observe(CANARY_SECONDS, outcome.seconds, example, result=outcome.result)
        if outcome.result != self._was:  # once, not at every run
            tell = log.info if outcome.result == "ok" else log.warning
            tell("canary_changed", before=self._was, after=outcome.result, run_id=outcome.run_id)
        self._was = outcome.result


@asynccontextmanager
async def keep_singing(canary: Canary | None) -> AsyncIterator[None]:
    """Let the canary sing for as long as the block lasts; None: there is no canary."""
    async with asyncio.TaskGroup() as group:
        singing = group.create_task(canary.sing_for_ever()) if canary else None
        try:
            yield
        finally:
            if singing is not None:
                singing.cancel()
