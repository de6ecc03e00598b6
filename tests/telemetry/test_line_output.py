import os
from collections.abc import Iterator
from contextlib import suppress

import pytest

from outrigger_telemetry.line_output import LineOutput

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        with suppress(OSError):  # a test may have closed its end
            os.close(descriptor)


def describe(count: int) -> bytes:
    return f"dropped {count}".encode()


def read_all(reader: int) -> list[bytes]:
    data = b""
    while chunk := os.read(reader, 65536):
        data += chunk
    return data.splitlines()


def test_lines_come_out_whole_and_in_order(pipe: Pipe) -> None:
    output = LineOutput(pipe[1], describe_drops=describe)
    lines = [f"line {number}".encode() for number in range(1000)]
    for line in lines:
        output.write(line)
    output.close()
    os.close(pipe[1])

    assert read_all(pipe[0]) == lines


def test_a_full_pipe_drops_and_counts_and_tells_later(pipe: Pipe) -> None:
    output = LineOutput(pipe[1], describe_drops=describe, max_pending_bytes=10_000)
    line = b"x" * 999
    for _ in range(500):  # nobody reads: the pipe takes 64 KiB, the queue 10 kB
        output.write(line)
    dropped = output.dropped
    assert 300 < dropped < 500

    got = b""
    while got.count(b"\n") < 500 - dropped + 1:
        got += os.read(pipe[0], 65536)
    output.close()

    assert got.splitlines()[-1] == describe(dropped)
    assert got.count(line) == 500 - dropped


def test_a_pipe_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    os.set_blocking(pipe[1], False)
    output = LineOutput(pipe[1], describe_drops=describe)
    line = b"y" * 999
    for _ in range(300):
        output.write(line)

    got = b""
    while got.count(b"\n") < 300:
        got += os.read(pipe[0], 65536)

    assert got == (line + b"\n") * 300
    assert output.dropped == 0
    output.close()


def test_closing_gives_up_when_nobody_reads(pipe: Pipe) -> None:
    output = LineOutput(pipe[1], describe_drops=describe)
    for _ in range(300):
        output.write(b"z" * 999)

    output.close(deadline=0.05)
    output.close(deadline=0.05)

    got = b""
    while got.count(b"\n") < 300:  # its thread still writes when someone reads after all
        got += os.read(pipe[0], 65536)


def test_a_reader_that_has_gone_is_no_error(pipe: Pipe) -> None:
    os.close(pipe[0])
    output = LineOutput(pipe[1], describe_drops=describe)

    output.write(b"into the void")
    output.close()

    assert output.dropped == 1
