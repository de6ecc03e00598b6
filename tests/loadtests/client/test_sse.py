import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrigger_loadtests.client.sse import EventParser, ServerEvent, events
from outrigger_loadtests.client.transport import Answer, Stream, StreamBroken, StreamSilent


class Recorded(Stream):
    """A stream that gives these lines and then ends, or raises."""

    def __init__(self, lines, ending=None):
        self.head = Answer(200)
        self.lines = list(lines)
        self.ending = ending

    def read_line(self):
        if self.lines:
            return self.lines.pop(0)
        if self.ending:
            raise self.ending
        return b""

    def close(self):
        pass


def parsed(body):
    return list(events(Recorded(body.splitlines(keepends=True))))


def test_event_has_name_data_and_id():
    body = b'event: values\r\ndata: {"a":1}\r\nid: 17-0\r\n\r\n'
    assert parsed(body) == [ServerEvent("values", b'{"a":1}', "17-0")]


def test_line_ends_may_be_lf_or_crlf_or_both():
    assert parsed(b"event: a\ndata: 1\r\n\ndata: 2\n\r\n") == [
        ServerEvent("a", b"1"),
        ServerEvent("message", b"2"),
    ]


def test_carriage_return_inside_a_line_is_data():
    assert parsed_pieces([b"data: a\rb\n\n"]) == [ServerEvent("message", b"a\rb")]


def test_heartbeats_are_no_events():
    assert parsed(b": heartbeat\r\n\r\ndata: 1\r\n: within\r\n\r\n: heartbeat\r\n\r\n") == [
        ServerEvent("message", b"1")
    ]


def test_lines_of_data_are_joined():
    assert parsed(b"data: a\ndata:\ndata:b\ndata\n\n") == [ServerEvent("message", b"a\n\nb\n")]


def test_one_space_after_the_colon_is_dropped():
    assert parsed(b"data:  a: b \n\n") == [ServerEvent("message", b" a: b ")]


def test_empty_data_is_an_event_and_no_data_is_none():
    assert parsed(b"data:\n\nevent: alone\nid: 1\n\n") == [ServerEvent("message", b"")]


def test_name_belongs_to_one_event_only():
    names = [event.name for event in parsed(b"event: a\ndata\n\ndata\n\nevent: b\n\ndata\n\n")]
    assert names == ["a", "message", "message"]


def test_id_is_the_events_own_and_never_that_of_another():
    body = b"id: 1\ndata\n\ndata\n\nid: 2\n\ndata\n\nid\ndata\n\nid: 3\ndata\n\nid:\ndata\n\n"
    assert [event.id for event in parsed(body)] == ["1", "", "", "", "3", ""]


def test_id_with_a_null_character_is_ignored():
    assert [event.id for event in parsed(b"id: 1\ndata\n\nid: 2\0\ndata\n\n")] == ["1", ""]


def test_unknown_fields_are_ignored():
    assert parsed(b"retry: 5\nDATA: x\nfoo\ndata: 1\n\n") == [ServerEvent("message", b"1")]


def test_byte_order_mark_is_dropped_at_the_start_only():
    mark = b"\xef\xbb\xbf"
    assert parsed(mark + b"data: 1\n\n" + mark + b"data: 2\n\n") == [ServerEvent("message", b"1")]


@pytest.mark.parametrize("cut", [b"", b"\r", b"\r\n", b"\r\nid: 2", b"\r\nid: 2\r\n"])
def test_event_cut_off_by_the_end_is_none(cut):
    assert parsed(b"data: 1\r\n\r\ndata: 2" + cut) == [ServerEvent("message", b"1")]


def test_event_comes_with_its_blank_line_and_not_later():
    lines = Recorded([b"data: 1\r\n", b"\r\n"], ending=StreamSilent("nothing"))
    found = events(lines)
    assert next(found) == ServerEvent("message", b"1")
    with pytest.raises(StreamSilent):
        next(found)


def test_break_of_the_stream_comes_through():
    with pytest.raises(StreamBroken, match="reset"):
        list(events(Recorded([b"data: 1\n"], ending=StreamBroken("reset"))))


@pytest.mark.parametrize(
    "endless",
    [[b"data: 1\n"], [b"x" * 10], [b"id: 1\n"], [b"data\n", b": heartbeat\n"]],
    ids=["lines of data", "a line", "ids", "comments within"],
)
def test_event_over_the_limit_breaks_the_stream(endless):
    with pytest.raises(StreamBroken, match="larger than 100 bytes"):
        list(events(Recorded(endless * 20), limit=100))


def test_limit_is_per_event_and_heartbeats_are_free():
    lines = [b": heartbeat\r\n", b"\r\n", b"data: 1\n", b"\n"] * 50
    assert len(list(events(Recorded(lines), limit=30))) == 50


def test_broken_utf8_in_a_name_is_replaced_and_data_is_left_alone():
    assert parsed(b"event: \xff\ndata: \xff\n\n") == [ServerEvent("\ufffd", b"\xff")]


text = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=12)
line_ends = st.sampled_from([b"\n", b"\r\n"])


def parsed_pieces(pieces):
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@st.composite
def streams(draw):
    """The bytes of a stream, and its events."""
    body = b""
    expected = []
    for _ in range(draw(st.integers(0, 4))):
        name, data = draw(text), draw(st.lists(text, min_size=1, max_size=3))
        event_id = draw(text)
        end = draw(line_ends)
        fields = [b": " + draw(text).encode()] if draw(st.booleans()) else []
        fields += [b"event: " + name.encode(), b"id: " + event_id.encode()]
        fields += [b"data: " + line.encode() for line in data]
        body += b"".join(field + end for field in fields) + end
        expected.append(ServerEvent(name or "message", "\n".join(data).encode(), event_id))
    return body, expected


@given(streams(), st.data())
def test_any_split_of_the_bytes_gives_the_same_events(stream, data):
    body, expected = stream
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=20)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert parsed_pieces(pieces) == expected
    assert parsed_pieces(bytes([byte]) for byte in body) == expected


@given(streams())
def test_characters_of_every_width_survive(stream):
    body, expected = stream
    assert list(events(Recorded(line + b"\n" for line in body.split(b"\n")[:-1]))) == expected


def test_astral_characters_survive_a_cut_in_the_middle():
    body = "event: 🛶\ndata: 𐍈🏝️\nid: 🜁\n\n".encode()
    for cut in range(len(body)):
        found = parsed_pieces([body[:cut], body[cut:]])
        assert found == [ServerEvent("🛶", "𐍈🏝️".encode(), "🜁")]


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(body):
    whole = parsed_pieces([body])
    assert parsed_pieces(bytes([byte]) for byte in body) == whole
