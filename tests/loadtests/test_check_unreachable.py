"""Checks of what is no server that can be tested: exit code 2, one line, nothing written."""

import asyncio
import time

import pytest

from harness.half_servers import answer, half_server
from harness.load_command import check, checked
from harness.processes import TASK_MAISTRO, started_server
from harness.raw_server import hangs, resets, sends, server

HTML = b"<html><body>It works!</body></html>"


async def refusal(folder, url, *options):
    ended = await checked(folder, url, *options)
    assert not folder.exists()
    return ended.must_have_refused()


async def refusal_by(folder, handle, *options):
    async with server(handle) as this:
        reason = await refusal(folder, this.url, *options)
    assert this.url in reason
    return reason


async def test_nobody_is_there(tmp_path):
    urls = ["http://127.0.0.1:1", "http://nobody.invalid"]
    both = (refusal(tmp_path / str(number), url) for number, url in enumerate(urls))
    for url, reason in zip(urls, await asyncio.gather(*both), strict=True):
        assert reason.startswith(f"{url} cannot be reached: ")


@pytest.mark.parametrize(
    "answers",
    [
        [
            (sends(b"\x00\xff\r\n\n garbage \r\n\r\n", close=True), "cannot be reached: "),
            (sends(close=True), "cannot be reached: connection closed"),
            (resets(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"), "cannot be reached: "),
        ],
        [
            (sends(answer("no", 500)), "answers 500"),
            (sends(answer("no", 404)), "answers 404"),
            (sends(answer("no", 401)), "answers 401: it wants a key"),
            (sends(answer("no", 403)), "answers 403: it wants a key"),
        ],
        [
            (sends(answer(HTML)), "is no LangGraph server: /assistants/search is no list"),
            (sends(answer([])), "does not serve the graph 'probe_async'"),
            (sends(answer([None, 1, ["a"]])), "does not serve the graph 'probe_async'"),
            (
                sends(b"HTTP/1.1 307 X\r\nlocation: https://a.b/\r\ncontent-length: 0\r\n\r\n"),
                "points to https://a.b/: give the URL of the server itself",
            ),
        ],
    ],
    ids=["no_http", "statuses", "no_langgraph"],
)
async def test_what_answers_is_no_server_to_test(tmp_path, answers):
    all_of_them = (
        refusal_by(tmp_path / str(number), handle, "--api-key", "sesame")
        for number, (handle, _) in enumerate(answers)
    )
    for (_, reason), told in zip(answers, await asyncio.gather(*all_of_them), strict=True):
        assert reason in told
        assert "sesame" not in told


async def test_server_that_never_answers_is_given_up_soon(tmp_path):
    drip = sends(b"HTTP/1.1 200 OK\r\n", *(each for _ in range(30) for each in (0.4, b"a: b\r\n")))
    both = (patience_with(tmp_path / str(n), handle) for n, handle in enumerate((hangs, drip)))
    assert max(await asyncio.gather(*both)) < 10  # the drip would go on for twelve


async def patience_with(folder, handle):
    """Return how many seconds a check goes on once it has asked its first question."""
    arrived = []

    async def noting(this, request, reader, writer):
        arrived.append(time.monotonic())
        return await handle(this, request, reader, writer)

    reason = await refusal_by(folder, noting)
    assert "cannot be reached: nothing came in time" in reason
    return time.monotonic() - arrived[0]


async def test_search_for_graphs_that_fails_is_told(tmp_path):
    def first(method, path, body):
        return answer({"version": "1"}) if path == "/info" else None

    async with half_server(lambda *request: answer("no", 500), first) as this:
        assert "answers 500" in await refusal(tmp_path / "out", this.url)


async def test_server_without_the_probes_is_told_what_to_do(tmp_path):
    with started_server(tmp_path / "data", config=TASK_MAISTRO) as this:
        reason = await refusal(tmp_path / "out", this.url)
    assert "does not serve the graph 'probe_async'" in reason
    assert "loadtests/probe/langgraph.json" in reason


async def test_ctrl_c_while_it_looks_at_the_server_ends_it_without_a_word(tmp_path):
    arrived = asyncio.Event()

    async def handle(this, request, reader, writer):
        arrived.set()
        await hangs(this, request, reader, writer)

    async with server(handle) as this, check(tmp_path / "out", this.url) as begun:
        await asyncio.wait_for(arrived.wait(), 20)
        begun.signal()
        ended = await begun.ended()
    assert (ended.code, ended.stdout, ended.stderr, ended.files) == (130, "", "", [])
