"""The streams of LocustTransport, which runs in a process of its own."""

import asyncio

import pytest

from harness.raw_server import END, OK, SSE, chunk, event, hangs, resets, sends, server


async def test_events_of_a_stream_come_as_they_are_sent(sender):
    asked = asyncio.Queue()

    async def handle(server, request, reader, writer):
        if request[0] == "GET":
            asked.put_nowait(True)
            writer.write(OK)
            return
        writer.write(SSE)
        for number in b"12345":
            writer.write(event(b"%c" % number))
            await asked.get()  # the next one only comes once this one was seen
        writer.write(END)

    async with server(handle) as this:
        call = {"kind": "stream", "between": {"method": "GET", "name": "between"}}
        (answer,), fired = await sender.order(this.url, call | {"body": "{}"})
    assert [data for _, data, _ in answer["events"]] == list("12345")
    assert (answer["ending"], answer["status"], answer["body"]) == ("closed", 200, "")
    assert [told[1:] for told in fired if told[1] != "between"] == [
        ["call accept", "", 0],
        ["call first event", "", 11],
        ["call total", "", 55],
    ]


async def test_stream_sends_its_own_headers(sender):
    async with server(sends(SSE, END)) as this:
        call = {"kind": "stream", "method": "GET", "headers": {"Last-Event-ID": "-1"}}
        await sender.order(this.url, call)
    assert this.requests[0][2]["last-event-id"] == "-1"
    assert this.requests[0][2]["accept"] == "text/event-stream"


async def test_header_that_cannot_be_sent_is_not_sent(sender):
    async with server(sends(SSE, END)) as this:
        call = {"kind": "stream", "method": "GET", "headers": {"Last-Event-ID": "\n🛶"}}
        (answer,), _ = await sender.order(this.url, call)
    assert (answer["status"], answer["reached"], this.requests) == (0, False, [])


async def test_heartbeat_is_no_first_event(sender):
    async with server(sends(SSE, chunk(b": heartbeat\r\n\r\n") * 3, END)) as this:
        (answer,), fired = await sender.order(this.url, {"kind": "stream"})
    assert answer["events"] == []
    assert [told[1:] for told in fired] == [["call accept", "", 0], ["call total", "", 45]]


async def test_connection_of_an_ended_stream_is_used_again(sender):
    async with server(sends(SSE, event(b"1"), END)) as this:
        await sender.order(this.url, *[{"kind": "stream"}] * 3)
    assert (len(this.requests), this.connections) == (3, 1)


MIDSTREAM = {
    "closed": sends(SSE, event(b"1"), b"5\r\ndat", close=True),
    "closed between chunks": sends(SSE, event(b"1"), close=True),
    "reset": resets(SSE, event(b"1")),
    "garbage": sends(SSE, 0.1, event(b"1") + b"garbage\r\n"),
}


@pytest.mark.parametrize("handle", MIDSTREAM.values(), ids=MIDSTREAM)
async def test_stream_that_breaks_says_so_after_its_events(sender, handle):
    async with server(handle) as this:
        (answer,), fired = await sender.order(this.url, {"kind": "stream"})
    assert (answer["status"], len(answer["events"])) == (200, 1)
    ending, _, words = answer["ending"].partition(": ")
    assert ending == "broken"
    assert [told[1:3] for told in fired] == [
        ["call accept", ""],
        ["call first event", ""],
        ["call total", words],
    ]
    assert len(this.requests) == 1


async def test_stream_that_falls_silent_says_so(sender):
    async def handle(server, request, reader, writer):
        writer.write(SSE + event(b"1"))
        await hangs(server, request, reader, writer)

    async with server(handle) as this:
        call = {"kind": "stream", "timeout": 0.3}
        (answer,), fired = await sender.order(this.url, call)
    assert (len(answer["events"]), answer["ending"]) == (1, "silent: nothing came in time")
    assert fired[-1][1:3] == ["call total", "nothing came in time"]


async def test_slow_stream_is_not_silent(sender):
    async def handle(server, request, reader, writer):
        writer.write(SSE)
        for _ in range(10):
            await asyncio.sleep(0.15)
            writer.write(event(b"1"))
        writer.write(END)

    async with server(handle) as this:
        (answer,), _ = await sender.order(this.url, {"kind": "stream", "timeout": 1.0})
    assert (len(answer["events"]), answer["ending"]) == (10, "closed")


async def test_leaving_a_stream_closes_the_connection_and_counts_no_total(sender):
    async def handle(server, request, reader, writer):
        writer.write(SSE + event(b"1"))
        await reader.read()  # until the client goes away
        return True

    async with server(handle) as this:
        (answer,), fired = await sender.order(this.url, {"kind": "stream", "leave_after": 1})
        await this.closed.wait()
    assert answer["ending"] == "left"
    assert [told[1] for told in fired] == ["call accept", "call first event"]


async def test_line_without_end_breaks_the_stream(sender):
    async with server(sends(SSE, *[chunk(b"x" * 100_000)] * 30)) as this:
        (answer,), _ = await sender.order(this.url, {"kind": "stream"}, max_bytes=1_000_000)
    assert answer["ending"] == "broken: larger than 1000000 bytes"


async def test_many_lines_are_no_long_line(sender):
    async with server(sends(SSE, *[event(b"x" * 100_000)] * 30, END)) as this:
        (answer,), _ = await sender.order(this.url, {"kind": "stream"}, max_bytes=1_000_000)
    assert (len(answer["events"]), answer["ending"]) == (30, "closed")


async def test_lines_keep_their_ends_and_the_last_may_have_none(sender):
    async with server(sends(SSE, chunk(b"a\r\n\r\nb\n"), chunk("ö".encode()), END)) as this:
        (found,), _ = await sender.order(this.url, {"kind": "lines"})
    assert found == [["a\r\n", "\r\n", "b\n", "ö"], ""]


def test_tasks_of_the_clock_run_side_by_side_and_raise_at_their_join(sender):
    assert sender.ask({"clock": True}) == {
        "order": ["slow begins", "fails", "slow ends", "lost"],
        "goes_on": True,
    }
