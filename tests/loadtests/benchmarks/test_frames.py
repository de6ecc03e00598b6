"""Events come out whole and once, however their bytes are cut."""

import pytest

from benchmarks.engine.frames import Frame, FrameParser

STREAM = (
    b'event: metadata\r\ndata: {"run_id":"1"}\r\n\r\n'
    b": heartbeat\r\n\r\n"
    b"id: 7\nevent: values\ndata: [1,\ndata: 2]\n\n"
    b"event: end\r\n\r\n"
)
FRAMES = [Frame("metadata", b'{"run_id":"1"}'), Frame("values", b"[1,\n2]"), Frame("end", b"")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
def test_the_same_events_come_out_of_any_pieces(size: int) -> None:
    parser = FrameParser()
    cut = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert [frame for piece in cut for frame in parser.feed(piece)] == FRAMES


def test_the_first_event_is_there_with_its_blank_line_and_not_before() -> None:
    parser = FrameParser()
    assert parser.feed(b"event: values\r\ndata: {}\r\n") == []
    assert parser.feed(b"\r\n") == [Frame("values", b"{}")]


def test_data_are_parsed_on_request() -> None:
    assert FRAMES[1].json() == [1, 2]
