"""Checks of servers that go bad once the check has begun: a verdict and its files, no traceback."""

import asyncio
import json
import os
import random
import resource
import uuid

import pytest

from harness.half_servers import answer, at_rest, half_server, welcome
from harness.junk import junk_events, junk_of
from harness.load_command import check, checked
from harness.processes import started_server
from harness.raw_server import hangs, resets, sends

UNFINISHED = b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n{"


def is_last_read(path):
    """Whether it is none of the two requests by which a check learns that a thread is at rest."""
    return not ("/runs?" in path or path.count("/") == 2)


def settles(rest):
    """Let every thread come to rest soon, whatever else is broken: such a check is a short one."""
    return lambda method, path, body: (rest if is_last_read(path) else at_rest)(method, path, body)


async def checked_against(folder, rest, *options):
    async with half_server(rest) as this:
        return await checked(folder, this.url, *options)


def creates_run(method, path):
    return method == "POST" and path.count("/runs") == 1 and "/cancel" not in path


async def test_server_that_accepts_no_run_is_unknown_and_no_pass(tmp_path):
    ended = await checked_against(tmp_path / "out", at_rest)
    ended.must_have_reported(4)
    assert "none of " in ended.stdout
    assert json.loads((ended.folder / "verdict.json").read_bytes())["verdict"] == "UNKNOWN"


async def test_server_that_opens_no_thread_is_unknown(tmp_path):
    def first(method, path, body):
        return None if path == "/threads" else welcome(method, path, body)

    async with half_server(lambda *request: answer(b"", 503), first) as this:
        ended = await checked(tmp_path / "out", this.url)
    ended.must_have_reported(4)
    assert "threads could not be created" in ended.stdout


async def test_what_cannot_be_read_is_unknown(tmp_path):
    kinds = {
        "errors": lambda *request: answer(b"Internal Server Error", 500),
        "drops": lambda *request: sends(UNFINISHED, close=True),
        "resets": lambda *request: resets(UNFINISHED),
        "no_json": lambda *request: answer(b"{no json"),
        "null": lambda *request: answer(b"null"),
    }
    all_of_them = (checked_against(tmp_path / name, settles(kinds[name])) for name in kinds)
    for ended in await asyncio.gather(*all_of_them):
        ended.must_have_reported(4)
        assert "did not let us read" in ended.stdout


async def test_accepted_runs_that_are_nowhere_fail(tmp_path):
    def rest(method, path, body):
        if creates_run(method, path):
            return answer({"run_id": str(uuid.uuid4()), "status": "success"})
        return at_rest(method, path, body)

    ended = await checked_against(tmp_path / "out", rest)
    ended.must_have_reported(3)


async def test_junk_of_every_kind_is_judged_and_reported(tmp_path):
    seeds = (1, 2, 3)
    all_of_them = (checked_against(tmp_path / str(each), junk_server(each)) for each in seeds)
    for ended in await asyncio.gather(*all_of_them):
        ended.must_have_reported(3, 4)
        assert "crash" not in (ended.folder / "junit.xml").read_text()


def junk_server(seed):
    """Answer with junk, yet in such a way that a thread comes to rest and is read."""
    chance = random.Random(seed)

    def rest(method, path, body):
        row = {"run_id": str(uuid.uuid4()), "status": chance.choice(["success", "error"])}
        if path.endswith("/stream"):
            return junk_events(chance)
        if "offset=" in path and "offset=0" not in path:
            return answer([])
        if not is_last_read(path):
            rows = [row | {"created_at": junk_of(chance)}, junk_of(chance), junk_of(chance)]
            return answer(rows if "/runs?" in path else {"values": junk_of(chance), "status": "x"})
        found = junk_of(chance)
        if method == "GET" and path.count("/") == 4 and "/runs/" in path:  # acts wait for its end
            return answer(found | row if isinstance(found, dict) else row)
        if isinstance(found, dict) and chance.random() < 0.7:
            found |= row
        if "/history" in path:
            found = [found, junk_of(chance), junk_of(chance)]
        return answer(found, chance.choice([200] * 9 + [204, 302, 404, 409, 500]))

    return rest


async def test_endless_lists_come_to_an_end(tmp_path):
    state = {"checkpoint": {"checkpoint_id": "a"}}

    def rest(method, path, body):
        page = [{"run_id": str(n), "status": "success"} for n in range(200)]
        if "/runs?" in path:
            return answer(page)
        return answer([state] * 200) if "/history" in path else at_rest(method, path, body)

    ended = await checked_against(tmp_path / "out", rest)
    ended.must_have_reported(3, 4)


async def test_key_is_in_no_file_and_no_word_also_where_few_characters_are_known(tmp_path):
    key = "sesame-open-4711"
    poor = {"LANGGRAPH_API_KEY": key, "PYTHONIOENCODING": "ascii"}
    async with half_server(at_rest) as this:
        both = (
            checked(tmp_path / "a", this.url, "--api-key", key),
            checked(tmp_path / "b", this.url, **poor),
        )
        for ended in await asyncio.gather(*both):
            ended.must_have_reported(4)
            assert key not in ended.words()
            assert "--api-key" in ended.stdout
        assert all(headers["x-api-key"] == key for _, _, headers, _ in this.requests)


async def test_second_check_in_the_same_directory_is_refused(tmp_path):
    folder = tmp_path / "out"
    async with half_server(at_rest) as this, check(folder, this.url, "--duration", "60") as first:
        while not (folder / "history.jsonl").exists():
            await asyncio.sleep(0.05)
        second = await checked(folder, this.url)
        assert "another check writes to" in second.must_have_refused()
        first.signal()
        (await first.ended()).must_have_reported(4)


async def test_disk_that_is_full_ends_the_check_in_one_line(tmp_path):
    options = "--duration", "60"
    async with half_server(at_rest) as this, check(tmp_path / "out", this.url, *options) as begun:
        resource.prlimit(begun.pid, resource.RLIMIT_FSIZE, (2**14, 2**14))
        ended = await begun.ended()
    assert ended.code == 2
    assert ended.stderr == "outrigger-loadtest: the output cannot be written: File too large\n"


@pytest.mark.end_to_end
async def test_server_killed_in_the_middle_and_two_ctrl_c_end_in_a_report(tmp_path):
    with started_server(tmp_path / "data") as this:
        async with check(tmp_path / "out", this.url, "--duration", "4") as begun:
            history = tmp_path / "out" / "history.jsonl"
            while not history.exists() or history.stat().st_size < 2**14:
                await asyncio.sleep(0.05)
            this.kill()
            await begun.signal_twice()
            ended = await begun.ended(10)
    ended.must_have_reported(0, 3, 4)  # 0 when what had come to its end was good
    assert "given up" in ended.stdout


@pytest.mark.long
async def test_server_killed_for_good_is_given_up_in_bounded_time(tmp_path):
    with started_server(tmp_path / "data") as this:
        async with check(tmp_path / "out", this.url, "--duration", "6") as begun:
            history = tmp_path / "out" / "history.jsonl"
            while not history.exists() or history.stat().st_size < 2**15:
                await asyncio.sleep(0.05)
            this.kill()
            ended = await begun.ended(120)
    ended.must_have_reported(3, 4)


@pytest.mark.long
async def test_server_that_hangs_after_its_first_thread_is_unknown(tmp_path):
    first = []

    def rest(method, path, body):
        first.append(path.split("/")[2].partition("?")[0])
        return at_rest(method, path, body) if first[0] in path else hangs

    async with half_server(rest) as this, check(tmp_path / "out", this.url) as begun:
        ended = await begun.ended(180)
    ended.must_have_reported(4)


@pytest.mark.long
async def test_server_of_which_nothing_works_is_given_up_in_bounded_time(tmp_path):
    chance = random.Random(os.urandom(8))
    kinds = {
        "hangs": lambda *request: hangs,
        "drops": lambda *request: sends(UNFINISHED, close=True),
        "errors": lambda *request: answer(b"", 500),
        "null": lambda *request: answer(b"null"),
        "junk": lambda *request: answer(junk_of(chance)),
    }
    all_of_them = (checked_against_slowly(tmp_path / name, kinds[name]) for name in kinds)
    for ended in await asyncio.gather(*all_of_them):
        ended.must_have_reported(3, 4)


async def checked_against_slowly(folder, rest):
    async with half_server(rest) as this, check(folder, this.url) as begun:
        return await begun.ended(180)
