"""Small commands of many callers, sent together: one round trip for all that wait."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from outrigger_server.brokers.redis.link import AWAY, Backoff, goes_on
from outrigger_server.errors import Unavailable

Command = Sequence[str | bytes | int]

AT_ONCE = 500
MOST_WAITING = 10_000
GONE = "Redis does not answer; ask again in a moment."


class Commands:
    """Asks and tells Redis; every method belongs to the server's loop."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Sequence[Command], asyncio.Future[list[Any]]]] = deque()
        self._news = asyncio.Event()
        self._backoff = Backoff("commands")

    def ask(self, *commands: Command) -> asyncio.Future[list[Any]]:
        """The answers to the commands, carried out in this order; cancel it to stop waiting.

        Its error is `Unavailable` when Redis did not answer: nothing is repeated here.
        """
        answer: asyncio.Future[list[Any]] = self._loop.create_future()
        answer.add_done_callback(_seen)
        if len(self._waiting) >= MOST_WAITING:
            answer.set_exception(Unavailable(GONE))
        else:
            self._waiting.append((commands, answer))
            self._news.set()
        return answer

    def tell(self, *commands: Command) -> None:
        """Send the commands, soon and at most once."""
        _ = self.ask(*commands)

    async def run(self) -> None:
        """Send what waits, for ever."""
        while goes_on():
            await self._news.wait()
            batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            if not self._waiting:
                self._news.clear()
            batch = [each for each in batch if not each[1].done()]
            if not batch:
                continue
            try:
                await self._send(batch)
            except AWAY as error:
                for _, answer in batch:
                    _fail(answer)
                await self._backoff.failed(error)
            else:
                self._backoff.succeeded()

    async def _send(
        self, batch: Sequence[tuple[Sequence[Command], asyncio.Future[list[Any]]]]
    ) -> None:
        async with self._client.pipeline(transaction=False) as pipeline:
            for commands, _ in batch:
                for command in commands:
                    pipeline.execute_command(*command)
            answers = iter(await pipeline.execute(raise_on_error=False))
        for commands, answer in batch:
            own = [next(answers) for _ in commands]
            if any(isinstance(each, RedisError) for each in own):
                _fail(answer)
            elif not answer.done():
                answer.set_result(own)


def _fail(answer: asyncio.Future[list[Any]]) -> None:
    if not answer.done():
        answer.set_exception(Unavailable(GONE))


def _seen(answer: asyncio.Future[list[Any]]) -> None:
    if not answer.cancelled():
        answer.exception()  # nobody may be waiting any more
