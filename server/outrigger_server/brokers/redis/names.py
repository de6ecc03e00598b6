"""How keys, channels and the end of a run are written; the braces keep a run in one slot."""

import orjson

from outrigger_server.brokers.base import RunEnd
from outrigger_server.domain.run import RunId

PREFIX = "outrigger:"

WAKE = f"{PREFIX}wake"
"""Says that a run may have become claimable."""

CRONS = f"{PREFIX}crons"
"""Says that crons have changed."""

CANCEL = f"{PREFIX}cancel"
"""Says that a run is to be stopped."""

READERS = f"{PREFIX}readers"
"""Says that somebody began to read a run."""


def count_key(key: str) -> str:
    """A number that is counted up."""
    return f"{PREFIX}count:{key}"


def state_key(run_id: RunId) -> str:
    """A hash: the last event's number and time, whether events are kept, the end."""
    return f"{PREFIX}{{{run_id}}}:state"


def events_key(run_id: RunId) -> str:
    """The stream of the run's events."""
    return f"{PREFIX}{{{run_id}}}:events"


def watched_key(run_id: RunId) -> str:
    """There while somebody reads the stream of a thread, and for a while afterwards."""
    return f"{PREFIX}{{{run_id}}}:watched"


def news_channel(run_id: RunId) -> str:
    """Rings for the readers of a run; their number tells the writer whether to write."""
    return f"{PREFIX}{{{run_id}}}:news"


def end_channel(run_id: RunId) -> str:
    """Rings for those who wait for the end only."""
    return f"{PREFIX}{{{run_id}}}:end"


def written_end(end: RunEnd) -> bytes:
    """The end without its body, which is stored beside it as it is."""
    return orjson.dumps(
        {"status": end.status, "superseded_by": end.superseded_by, "error": end.error}
    )


def read_end(run_id: RunId, written: bytes | None, body: bytes | None) -> RunEnd | None:
    """The end that `written_end` wrote; None when there is none."""
    if written is None:
        return None
    end = orjson.loads(written)
    return RunEnd(run_id, end["status"], body or b"", end["superseded_by"], end["error"])
