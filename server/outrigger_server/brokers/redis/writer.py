"""Writes what waits in the outbox to Redis, batch by batch, until Redis has taken it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from outrigger_server.brokers.redis.link import AWAY, Backoff, goes_on
from outrigger_server.brokers.redis.names import (
    end_channel,
    events_key,
    news_channel,
    state_key,
    watched_key,
    written_end,
)
from outrigger_server.brokers.redis.outbox import Outbox, Parcel
from outrigger_server.brokers.redis.script import APPEND
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.event import is_lasting
from outrigger_server.domain.run import RunId

IN_FLIGHT_SECONDS = 86_400.0
"""A stream whose writer died goes after this time without an event."""

KEEP_WATCHED = 2
"""Keep events while the stream is watched: see the script."""

READ_SECONDS = 10.0
UNREAD_SECONDS = 2.0
"""Times that an end outlives its run, for those who just come, when nothing is kept."""

TRIES = 5
"""How often a parcel is sent that Redis refuses while it takes others."""


class Writer:
    """Writes events. A batch whose answer was lost is sent again, and counts once."""

    def __init__(
        self,
        client: Redis,
        clock: Clock,
        *,
        limit: int,
        keep_seconds: float,
        lost: Callable[[int], None],
    ) -> None:
        self._client = client
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._name = f"w:{uuid4().hex[:16]}"
        self._batch = 0
        stays = (IN_FLIGHT_SECONDS, max(keep_seconds, READ_SECONDS), READ_SECONDS, UNREAD_SECONDS)
        self._stays = tuple(round(1000 * seconds) for seconds in stays)
        self._news = asyncio.Event()
        self._progress = asyncio.Event()
        self._backoff = Backoff("events")
        self._script: str = client.register_script(APPEND).sha
        self.outbox = Outbox(limit, self._ring, lost)

    def _ring(self) -> None:
        with suppress(RuntimeError):  # the server's loop is gone; so are the readers
            self._loop.call_soon_threadsafe(self._news.set)

    async def flushed(self, run_id: RunId | None, patience: float) -> None:
        """Return when all of the run, or of every run, is in Redis, or after `patience` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self.outbox.holds(run_id):
                    self._progress.clear()
                    await self._progress.wait()

    async def run(self) -> None:
        """Write what waits, for ever."""
        while goes_on():
            await self._news.wait()
            self._news.clear()
            while parcels := self.outbox.take():
                await self._deliver(parcels)

    async def _deliver(self, parcels: Sequence[Parcel]) -> None:
        self._batch += 1
        tries = 0
        while parcels and goes_on():
            try:
                answers = await self._send(parcels)
            except AWAY as error:
                await self._backoff.failed(error)
                continue
            refused = self._settle(parcels, answers)
            self._progress.set()
            if not refused:
                self._backoff.succeeded()
                return
            tries += 1
            parcels = [parcel for parcel, _ in refused]
            await self._backoff.failed(refused[0][1])
            if tries == TRIES:
                for parcel in parcels:
                    self.outbox.refuse(parcel)
                self._progress.set()
                return

    async def _send(self, parcels: Sequence[Parcel]) -> list[Any]:
        answers = await self._sent_once(parcels)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            await self._client.script_load(APPEND)
            answers = await self._sent_once(parcels)
        return answers

    async def _sent_once(self, parcels: Sequence[Parcel]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for parcel in parcels:
                pipeline.execute_command("EVALSHA", self._script, 3, *self._arguments(parcel))
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
            return answers

    def _arguments(self, parcel: Parcel) -> list[str | bytes | int]:
        run_id = parcel.run_id
        arguments: list[str | bytes | int] = [state_key(run_id), events_key(run_id)]
        arguments += [watched_key(run_id), self._name, self._batch, self._clock.now() // 1000]
        arguments.append(KEEP_WATCHED if is_lasting(run_id) else int(parcel.kept))
        arguments += [parcel.limit, parcel.floor, *self._stays]
        arguments += [news_channel(run_id), end_channel(run_id)]
        if parcel.end is None:
            arguments += [b"", b""]
        else:
            arguments += [written_end(parcel.end), parcel.end.body]
        arguments.append(parcel.dropped)
        for event in parcel.events:
            arguments += [event.dropped, event.name, event.data]
        return arguments

    def _settle(
        self, parcels: Sequence[Parcel], answers: Sequence[Any]
    ) -> list[tuple[Parcel, RedisError]]:
        refused = []
        for parcel, answer in zip(parcels, answers, strict=True):
            if isinstance(answer, RedisError):
                refused.append((parcel, answer))
            else:
                number, _, readers, ended = answer
                self.outbox.settle(parcel, number=number, readers=readers, ended=bool(ended))
        return refused
