"""`outrigger-loadtest check --faults-log`: what it is told becomes a part of the history."""

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest

from harness.half_servers import at_rest, half_server
from harness.load_command import check, checked
from harness.processes import started_server

NOWHERE = "http://127.0.0.1:1"


def line(name="kill worker", **fields):
    return json.dumps({"name": name, "began": time.time(), **fields}) + "\n"


async def until_begun(folder):
    history = folder / "history.jsonl"
    while not history.exists() or not history.stat().st_size:
        await asyncio.sleep(0.02)


@asynccontextmanager
async def checking(folder, log):
    options = ("--faults-log", str(log))
    async with half_server(at_rest) as this, check(folder, this.url, *options) as begun:
        yield begun


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "faults.jsonl"
    path.touch()
    return path


async def refused(folder, log):
    ended = await checked(folder, NOWHERE, "--faults-log", str(log))
    assert not folder.exists()
    return ended.must_have_refused()


async def test_a_log_that_cannot_be_read_is_refused_before_anything_is_sent(tmp_path, log):
    for path in (tmp_path / "nowhere", tmp_path):
        reason = await refused(tmp_path / "out", path)
        assert reason.startswith(f"--faults-log: {path} is no file")
    log.write_text(line() + '{"name": "kill worker", "began": "now"}\n')
    reason = await refused(tmp_path / "out", log)
    assert "--faults-log: line 2 of the log of faults cannot be read" in reason
    assert "$.began" in reason


async def test_a_line_that_cannot_be_read_at_the_end_makes_the_verdict_unknown(tmp_path, log):
    folder = tmp_path / "out"
    async with checking(folder, log) as begun:
        await until_begun(folder)
        log.write_text(line() + '{"name": "kill worker"}\n')
        ended = await begun.ended()
    ended.must_have_reported(4)
    assert "line 2 of the log of faults cannot be read" in ended.words()
    assert "`began`" in ended.words()


async def test_a_log_that_is_gone_at_the_end_makes_the_verdict_unknown(tmp_path, log):
    folder = tmp_path / "out"
    async with checking(folder, log) as begun:
        await until_begun(folder)
        log.unlink()
        ended = await begun.ended()
    ended.must_have_reported(4)
    assert "No such file" in ended.words()


@pytest.mark.end_to_end
async def test_faults_are_written_to_the_history_on_the_clients_clock(tmp_path, log):
    log.write_text(line("yesterday", began=time.time() - 86_400))
    folder = tmp_path / "out"
    with started_server(tmp_path / "data") as server:
        async with check(folder, server.url, "--faults-log", str(log)) as begun:
            await until_begun(folder)
            before = time.monotonic_ns()
            with log.open("a") as file:
                file.write(line("kill worker", ended=time.time() + 0.25) + line("eclipse"))
            after = time.monotonic_ns()
            ended = await begun.ended()
    ended.must_have_reported(0)
    lines = (folder / "history.jsonl").read_bytes().splitlines()
    told = [each for each in map(json.loads, lines) if each["kind"] == "faulted"]
    assert [each["name"] for each in told] == ["kill worker", "eclipse"]
    slack = 50_000_000  # the clocks are not read at the same moment
    assert all(before - slack <= each["invoked"] <= after + slack for each in told)
    assert 0.2e9 < told[0]["completed"] - told[0]["invoked"] < 0.3e9
    assert told[1]["completed"] == told[1]["invoked"]
    assert "faults: 1 kill worker, 1 eclipse" in ended.stdout
