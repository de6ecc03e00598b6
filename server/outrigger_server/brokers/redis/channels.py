"""One connection that hears the channels anybody in this process listens to."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import TimeoutError as RedisTimeout

from outrigger_server.brokers.redis.link import AWAY, Backoff, goes_on

Tell = Callable[[bytes], None]

LISTENING = b""
"""Told when a channel is heard from now on: whatever was said before was missed."""

SILENCE_SECONDS = 5.0
"""After so long without a word Redis is asked whether it is there."""


class Channels:
    """Hears channels, and all of them again when Redis comes back.

    A message that is sent while Redis is away is lost, but never unnoticed: every listener
    is told `LISTENING` once its channel is heard again.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._listeners: dict[str, list[Tell]] = {}
        self._asked: set[str] = set()
        self._heard: set[str] = set()
        self._awaited: dict[str, set[asyncio.Future[None]]] = {}
        self._changed: set[str] = set()
        self._changes = asyncio.Event()
        self._pubsub: PubSub | None = None
        self._backoff = Backoff("channels")

    def listen(self, channel: str, tell: Tell) -> None:
        """Call `tell` for every message until `leave`, and with `LISTENING` first."""
        self._listeners.setdefault(channel, []).append(tell)
        if channel in self._heard:
            tell(LISTENING)
        else:
            self._change(channel)

    def leave(self, channel: str, tell: Tell) -> None:
        """Stop listening; safe to call twice."""
        listeners = self._listeners.get(channel, [])
        if tell in listeners:
            listeners.remove(tell)
        if not listeners:
            self._listeners.pop(channel, None)
            self._change(channel)

    def _change(self, channel: str) -> None:
        self._changed.add(channel)
        self._changes.set()

    async def heard(self, channel: str, patience: float) -> bool:
        """Wait until the channel is heard; False after `patience` seconds."""
        if channel in self._heard:
            return True
        confirmed: asyncio.Future[None] = self._loop.create_future()
        awaited = self._awaited.setdefault(channel, set())
        awaited.add(confirmed)
        try:
            await asyncio.wait({confirmed}, timeout=patience)
        finally:
            awaited.discard(confirmed)
            if not awaited and self._awaited.get(channel) is awaited:
                del self._awaited[channel]
        return channel in self._heard

    async def hear(self) -> None:
        """Hear, and connect again after every loss, for ever."""
        while goes_on():
            pubsub = self._client.pubsub()
            try:
                await pubsub.connect()  # type: ignore[no-untyped-call]  # redis-py does not say
                self._pubsub = pubsub
                self._asked.clear()
                self._changed = set(self._listeners)
                self._changes.set()
                await self._hear(pubsub)
            except Exception as error:
                if not _is_lost(pubsub, error):
                    raise
                await self._let_go(pubsub)
                await self._backoff.failed(error)
            finally:
                await self._let_go(pubsub)

    async def _let_go(self, pubsub: PubSub) -> None:
        self._pubsub = None
        self._heard.clear()
        with suppress(*AWAY):
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py does not say

    async def _hear(self, pubsub: PubSub) -> None:
        silent = False
        while goes_on():
            message = await pubsub.get_message(timeout=SILENCE_SECONDS)
            if message is not None:
                silent = False
                self._tell(message)
            elif silent:
                raise RedisTimeout
            else:
                silent = True
                await pubsub.ping()

    async def follow_changes(self) -> None:
        """Ask Redis for the channels that are listened to, for ever."""
        while goes_on():
            await self._changes.wait()
            self._changes.clear()
            pubsub = self._pubsub
            if pubsub is None:  # all are asked for once there is a connection
                continue
            try:
                await self._change_over(pubsub)
            except Exception as error:
                if not _is_lost(pubsub, error):  # `hear` loses the same connection
                    raise

    async def _change_over(self, pubsub: PubSub) -> None:
        changed, self._changed = self._changed, set()
        new = [each for each in changed if each in self._listeners and each not in self._asked]
        old = [each for each in changed if each in self._asked and each not in self._listeners]
        self._asked.update(new)
        self._asked.difference_update(old)
        self._heard.difference_update(old)
        if old:
            await pubsub.unsubscribe(*old)
        if new:
            await pubsub.subscribe(*new)

    def _tell(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind not in {"message", "subscribe"}:
            return
        channel = message["channel"].decode()
        data: bytes = message["data"] if kind == "message" else LISTENING
        if kind == "subscribe":
            if channel not in self._asked:  # given up meanwhile
                return
            self._backoff.succeeded()
            self._heard.add(channel)
            for confirmed in self._awaited.pop(channel, ()):
                if not confirmed.done():
                    confirmed.set_result(None)
        for tell in tuple(self._listeners.get(channel, ())):
            tell(data)


def _is_lost(pubsub: PubSub, error: Exception) -> bool:
    """Whether the error says, or comes from it, that the connection is gone.

    Two tasks use it. When one loses it while the other is sending, the client knows no better
    than to stumble over its own missing parts.
    """
    if isinstance(error, AWAY):
        return True
    connection: Any = pubsub.connection  # None, too: redis-py does not say
    return connection is None or not connection.is_connected
