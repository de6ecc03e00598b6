"""What is too large, damaged, slow or not allowed is refused, told why, and counted."""

import asyncio
import gzip
import json
import socket
from pathlib import Path

import pytest
import zstandard

from fakes.relay_bench import Opened, closed, new_id, part, run_parts
from harness.relays import started_relay

SMALL = {
    "relay_body_bytes": 4096,
    "relay_decompressed_bytes": 16384,
    "relay_part_bytes": 2048,
    "relay_parts": 10,
}
BOMB = zstandard.ZstdCompressor(level=19).compress(bytes(50 * 1024 * 1024))
MANY = closed(*(part(f"feedback.{new_id()}", b"{}") for _ in range(11)))
LARGE = closed(run_parts(new_id(), inputs="x" * 2100))


@pytest.mark.parametrize(
    ("body", "encoding", "status", "reason"),
    [
        (b"x" * 5000, "", 413, "body_too_large"),
        (BOMB, "zstd", 413, "decompressed_too_large"),
        (gzip.compress(bytes(1024 * 1024)), "gzip", 413, "decompressed_too_large"),
        (LARGE, "", 413, "part_too_large"),
        (MANY, "", 413, "too_many_parts"),
        (closed(part("what.is-this", b"{}")), "", 422, "unknown_part"),
        (closed(part("post.no-id", b"{}")), "", 422, "unknown_part"),
        (
            closed(run_parts(new_id()), part(f"post.{new_id()}.secrets", b"{}")),
            "",
            422,
            "unknown_part",
        ),
        (closed(part(f"post.{new_id()}.inputs", b"{}")), "", 422, "malformed"),
        (closed(part(f"post.{new_id()}", b"{")), "", 422, "malformed"),
        (closed(part(f"post.{new_id()}", b"{}")), "", 422, "malformed"),
        (run_parts(new_id()), "", 400, "malformed"),
        (b"", "", 400, "malformed"),
        (b"--a-boundary" + b"x" * 3000, "", 400, "malformed"),
        (zstandard.compress(closed(run_parts(new_id())))[:-9], "zstd", 400, "malformed"),
        (b"neither", "zstd", 400, "malformed"),
        (closed(run_parts(new_id())), "br", 415, "unknown_encoding"),
    ],
)
async def test_it_is_refused_and_counted(
    opened: Opened, body: bytes, encoding: str, status: int, reason: str
) -> None:
    bench = await opened(**SMALL)

    answer = await bench.send(body, content_encoding=encoding)

    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == reason
    assert bench.refused(reason) == 1
    assert bench.noticed.operations == []


async def test_a_wrong_key_is_refused_before_the_body_is_read(opened: Opened) -> None:
    bench = await opened(relay_key="the-relays-own-key")
    body = closed(run_parts(new_id()))

    assert (await bench.send(body, x_api_key="another")).status_code == 401
    assert (await bench.client.get("/sessions")).status_code == 401
    assert bench.refused("wrong_key") == 2
    assert (await bench.send(body, x_api_key="the-relays-own-key")).status_code == 202


async def test_too_much_at_once_is_told_to_come_back(opened: Opened) -> None:
    bench = await opened(**SMALL)
    bench.relay.receive(4 * 4096)  # as many bodies as may be held are being received

    answer = await bench.send(closed(run_parts(new_id())))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert bench.refused("busy") == 1
    bench.relay.receive(-4 * 4096)
    assert (await bench.send(closed(run_parts(new_id())))).status_code == 202


async def test_a_name_is_not_repeated_to_its_full_length(opened: Opened) -> None:
    bench = await opened()

    answer = await bench.send(closed(part("\u00e9" + "y" * 250, b"{}")))

    assert answer.status_code == 422
    assert len(answer.json()["detail"]) < 120
    assert json.dumps(answer.json()).isascii()


def test_a_slow_sender_is_cut_off_and_the_relay_goes_on(tmp_path: Path) -> None:
    with started_relay(tmp_path, OUTRIGGER_RELAY_BODY_SECONDS="0.3") as (sidecar, _):
        sidecar.start()
        with socket.create_connection(("127.0.0.1", sidecar.port), timeout=10) as slow:
            slow.sendall(
                b"POST /langsmith/runs/multipart HTTP/1.1\r\nhost: x\r\ncontent-length: 999\r\n"
                b"content-type: multipart/form-data; boundary=b\r\n\r\n--b"
            )
            answer = slow.makefile("rb").read()  # to the end: the connection is closed
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert sidecar.metric('langgraph_relay_refused_requests_total{reason="slow_sender"}') == 1


async def test_bodies_at_once_are_all_taken_in(opened: Opened) -> None:
    bench = await opened()

    answers = await asyncio.gather(*(bench.send(closed(run_parts(new_id()))) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {202}
    assert len(bench.noticed.operations) == 20
