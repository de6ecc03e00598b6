"""Counters over Redis: what a count costs there, and what is counted while it is away."""

import asyncio

from outrigger_server.brokers.in_process import InProcessCounters
from outrigger_server.brokers.redis.counters import PAUSE_SECONDS, RedisCounters
from outrigger_server.brokers.redis.names import count_key


def calls(redis):
    """How often Redis was told each command."""
    told = redis.say("INFO", "commandstats")
    return {name.removeprefix("cmdstat_"): each["calls"] for name, each in told.items()}


def reads(redis):
    """How often Redis found something to read, also of who asks now."""
    return redis.say("INFO", "stats")["total_reads_processed"]


async def test_a_count_is_one_round_trip_and_many_at_once_share_a_few(redis, api):
    await api.counters.count("warm", 1, 60)
    before = reads(redis)
    for _ in range(50):
        await api.counters.count("a", 1, 60)
    assert 50 <= reads(redis) - before < 75  # two each would be 100
    before, told = reads(redis), calls(redis)
    await asyncio.gather(*(api.counters.count("a", 1, 60) for _ in range(200)))
    assert reads(redis) - before < 25
    assert calls(redis)["incrby"] - told["incrby"] == 200


async def test_a_number_ends_by_itself_soon_after_its_time(redis, api):
    await api.counters.count("a", 1, 60)
    assert 59 <= redis.say("TTL", count_key("a")) <= 61


async def until_shared(redis, counters, key):
    """Count under the key until Redis has it."""
    async with asyncio.timeout(15):
        while not redis.say("EXISTS", count_key(key)):
            await counters.count(key, 0, 60)
            await asyncio.sleep(PAUSE_SECONDS / 20)


async def test_while_redis_is_away_each_process_counts_alone_and_then_together_again(
    redis, api, worker
):
    assert await api.counters.count("a", 1, 60) == 1
    assert await worker.counters.count("a", 1, 60) == 2
    redis.kill()
    assert [await api.counters.count("a", 1, 60) for _ in range(3)] == [1, 2, 3]
    assert await worker.counters.count("a", 1, 60) == 1
    redis.start()
    await until_shared(redis, api.counters, "back")
    await until_shared(redis, worker.counters, "back, too")
    assert await api.counters.count("b", 1, 60) == 1
    assert await worker.counters.count("b", 1, 60) == 2


class Silent:
    """A Redis that is asked and never answers."""

    def __init__(self):
        self.asked = []

    def ask(self, *commands):
        self.asked.append(asyncio.get_running_loop().create_future())
        return self.asked[-1]


async def test_a_redis_that_says_nothing_is_asked_once_in_a_pause_and_waited_for_no_longer(clock):
    silent = Silent()
    counters = RedisCounters(silent, InProcessCounters(clock))
    began = asyncio.get_running_loop().time()
    assert [await counters.count("a", 1, 60) for _ in range(500)] == list(range(1, 501))
    pauses = (asyncio.get_running_loop().time() - began) / PAUSE_SECONDS
    assert 1 <= len(silent.asked) <= pauses + 1
    assert all(each.cancelled() for each in silent.asked)


async def test_of_many_requests_at_once_none_waits_behind_another(clock):
    silent = Silent()
    counters = RedisCounters(silent, InProcessCounters(clock))
    await asyncio.gather(*(counters.count("a", 1, 60) for _ in range(20)))
    assert len(silent.asked) == 20  # nobody knew yet
    await asyncio.gather(*(counters.count("a", 1, 60) for _ in range(20)))
    assert len(silent.asked) <= 21
