"""Checks that are told to stop while they send: they report what they know, and end."""

import asyncio
import json
import signal

import pytest

from harness.half_servers import answer, at_rest, half_server
from harness.load_command import check
from harness.raw_server import hangs

LONG = ("--duration", "60")


async def until_it_sends(this, count=20):
    while len(this.requests) < count:
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_first_signal_ends_the_sending_and_everything_is_reported(tmp_path, number):
    async with half_server(at_rest) as this, check(tmp_path / "out", this.url, *LONG) as begun:
        await until_it_sends(this)
        begun.signal(number)
        ended = await begun.ended(20)
    ended.must_have_reported(4)
    assert "stopped early" in ended.stdout
    assert "given up" not in ended.stdout
    assert json.loads((ended.folder / "verdict.json").read_bytes())["threads"] > 0


@pytest.mark.parametrize("numbers", [(signal.SIGINT,) * 2, (signal.SIGTERM, signal.SIGINT)])
async def test_second_signal_reports_without_what_goes_on(tmp_path, numbers):
    def rest(method, path, body):
        return hangs

    async with half_server(rest) as this, check(tmp_path / "out", this.url, *LONG) as begun:
        await until_it_sends(this, 10)
        await begun.signal_twice(*numbers)
        ended = await begun.ended(20)
    ended.must_have_reported(4)
    assert "3 conversations were given up and are not judged" in ended.stdout


async def test_signals_without_end_change_nothing(tmp_path):
    def rest(method, path, body):
        return answer(b"", 500)

    async with half_server(rest) as this, check(tmp_path / "out", this.url, *LONG) as begun:
        await until_it_sends(this, 100)
        task = asyncio.create_task(begun.ended(20))
        while not task.done():
            begun.signal()
            await asyncio.sleep(0.01)
        ended = await task
    ended.must_have_reported(4)
