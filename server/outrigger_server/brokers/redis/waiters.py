"""Those in this process who wait for the end of a run and nothing else."""

import asyncio
from functools import partial

from outrigger_server.brokers.base import STOPPING, RunEnd
from outrigger_server.brokers.redis.channels import Channels, Tell
from outrigger_server.brokers.redis.commands import Commands
from outrigger_server.brokers.redis.link import goes_on
from outrigger_server.brokers.redis.names import end_channel, read_end, state_key
from outrigger_server.domain.run import RunId
from outrigger_server.errors import Unavailable

AT_ONCE = 200
RETRY_SECONDS = 0.5


class EndWaiters:
    """Reads an end when its channel rings, and once the channel is heard at all."""

    def __init__(self, channels: Channels, commands: Commands) -> None:
        self._channels = channels
        self._commands = commands
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[RunId, set[asyncio.Future[RunEnd]]] = {}
        self._tells: dict[RunId, Tell] = {}
        self._rung: dict[RunId, None] = {}
        self._news = asyncio.Event()
        self._abandoned = False

    def wait(self, run_id: RunId) -> asyncio.Future[RunEnd]:
        """See `EventLog.ended`."""
        waiter: asyncio.Future[RunEnd] = self._loop.create_future()
        if self._abandoned:
            waiter.set_exception(Unavailable(STOPPING))
            return waiter
        self._waiting.setdefault(run_id, set()).add(waiter)
        waiter.add_done_callback(partial(self._leave, run_id))
        if run_id in self._tells:
            self._ring(run_id)
        else:
            self._tells[run_id] = lambda _: self._ring(run_id)
            self._channels.listen(end_channel(run_id), self._tells[run_id])
        return waiter

    def _leave(self, run_id: RunId, waiter: asyncio.Future[RunEnd]) -> None:
        waiting = self._waiting[run_id]
        waiting.discard(waiter)
        if not waiting:
            del self._waiting[run_id]
            self._channels.leave(end_channel(run_id), self._tells.pop(run_id))

    def _ring(self, run_id: RunId) -> None:
        self._rung[run_id] = None
        self._news.set()

    def abandon(self) -> None:
        """Tell everybody that the server stops."""
        self._abandoned = True
        for waiting in tuple(self._waiting.values()):
            for waiter in tuple(waiting):
                if not waiter.done():
                    waiter.set_exception(Unavailable(STOPPING))

    async def run(self) -> None:
        """Read the ends that were rung for, for ever."""
        while goes_on():
            await self._news.wait()
            rung = [run_id for run_id in list(self._rung)[:AT_ONCE] if run_id in self._waiting]
            for run_id in list(self._rung)[:AT_ONCE]:
                del self._rung[run_id]
            if not self._rung:
                self._news.clear()
            if not rung:
                continue
            try:
                found = await self._read(rung)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
                for run_id in rung:
                    self._ring(run_id)
            else:
                self._answer(found)

    async def _read(self, rung: list[RunId]) -> list[RunEnd]:
        ends = await self._commands.ask(
            *(("HMGET", state_key(run_id), "end", "body") for run_id in rung)
        )
        found = (read_end(run_id, *written) for run_id, written in zip(rung, ends, strict=True))
        return [end for end in found if end is not None]

    def _answer(self, found: list[RunEnd]) -> None:
        for end in found:
            for waiter in tuple(self._waiting.get(end.run_id, ())):
                if not waiter.done():
                    waiter.set_result(end)
