"""Wake-ups and cancel signals over Redis: heard by every process, acted on by one."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from outrigger_server.brokers.in_process import InProcessCancelSignals, InProcessWakeups
from outrigger_server.brokers.redis.channels import Channels
from outrigger_server.brokers.redis.commands import Commands
from outrigger_server.brokers.redis.names import CANCEL, WAKE
from outrigger_server.domain.run import CancelAction, RunId


class RedisWakeups:
    """See `Wakeups`. While Redis is away the other processes wake by their slow poll only.

    They wake when Redis comes back, in case they missed something.
    """

    def __init__(self, channels: Channels, commands: Commands, channel: str = WAKE) -> None:
        self._commands = commands
        self._channel = channel
        self._local = InProcessWakeups()
        self._name = uuid4().hex.encode()
        self._saying: asyncio.Future[list[Any]] | None = None
        self._again = False
        channels.listen(channel, self._hear)

    def _hear(self, sender: bytes) -> None:
        if sender != self._name:
            self._local.notify()

    def notify(self) -> None:
        """See `Wakeups.notify`."""
        self._local.notify()
        self._again = True
        self._say()

    def notify_here(self) -> None:
        """See `Wakeups.notify_here`."""
        self._local.notify()

    def _say(self, said: asyncio.Future[list[Any]] | None = None) -> None:
        # However many notify meanwhile: one message is under way, and one follows it.
        if said is not None:
            self._saying = None
        if self._again and self._saying is None:
            self._again = False
            self._saying = self._commands.ask(("PUBLISH", self._channel, self._name))
            self._saying.add_done_callback(self._say)

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109  a bound, not a failure
        """See `Wakeups.wait`."""
        await self._local.wait(timeout)


class RedisCancelSignals:
    """See `CancelSignals`. A signal that Redis loses is seen at the run's next heartbeat."""

    def __init__(self, channels: Channels, commands: Commands) -> None:
        self._commands = commands
        self._local = InProcessCancelSignals()
        self._name = uuid4().hex
        channels.listen(CANCEL, self._hear)

    def _hear(self, signal: bytes) -> None:
        sender, _, order = signal.decode().partition(" ")
        action, _, run_id = order.partition(" ")
        if sender != self._name and action in set(CancelAction) and run_id:
            self._local.send(RunId(run_id), CancelAction(action))

    def send(self, run_id: RunId, action: CancelAction) -> None:
        """See `CancelSignals.send`."""
        self._local.send(run_id, action)
        self._commands.tell(("PUBLISH", CANCEL, f"{self._name} {action} {run_id}"))

    def listen(self, run_id: RunId, tell: Callable[[CancelAction], None]) -> None:
        """See `CancelSignals.listen`."""
        self._local.listen(run_id, tell)

    def forget(self, run_id: RunId) -> None:
        """See `CancelSignals.forget`."""
        self._local.forget(run_id)
