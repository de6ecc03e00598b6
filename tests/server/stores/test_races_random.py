"""Two processes race for a few threads, at random, for hundreds of rounds."""

import asyncio
import random

from fakes.run_queue.crowd import Crowd

ROUNDS = 250
AT_ONCE = 10
DEADLINE_SECONDS = 240


async def test_whatever_two_processes_do_at_once_every_promise_is_kept(here, there):
    crowd = Crowd(here, there, random.Random(random.random()))
    await crowd.begin()
    async with asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(ROUNDS):
            await crowd.round(AT_ONCE)
        rest = await crowd.come_to_rest()
    assert "busy" not in {thread.status for thread in rest.threads.values()}
    assert len(crowd.created) > ROUNDS
    assert len(crowd.ended) > ROUNDS / 4
    assert crowd.refused > ROUNDS / 4, "they hardly met"
