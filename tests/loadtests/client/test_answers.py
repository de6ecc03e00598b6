import orjson
import pytest

from outrigger_loadtests.client.answers import frame_of
from outrigger_loadtests.client.sse import ServerEvent

RUN_ID = "01a20756-40fd-77e1-8e72-f41a214210f2"


def metadata(**told):
    event = ServerEvent("metadata", orjson.dumps({"run_id": RUN_ID, **told}), "7")
    return frame_of(event, 5, "x1-1", frozenset())


@pytest.mark.parametrize(
    "status", ["interrupted", "rolled_back", "timeout", "error", "not_found", "deleted"]
)
def test_the_last_metadata_of_a_stream_tells_the_end_of_its_run(status):
    told = metadata(status=status)
    assert (told.at, told.id, told.run_id, told.status, told.lost) == (
        5,
        "7",
        RUN_ID,
        status,
        False,
    )


def test_lost_events_are_no_end():
    told = metadata(status="events_lost")
    assert (told.status, told.lost) == ("", True)


def test_the_first_metadata_of_a_stream_tells_nothing_more():
    told = metadata(attempt=2)
    assert (told.status, told.lost) == ("", False)
