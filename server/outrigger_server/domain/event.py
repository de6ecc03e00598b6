"""Events of a stream and their ids, which order them and let a reader resume.

A run has a stream, which ends with it; a thread has one, which goes on from run to run.
"""

from dataclasses import dataclass
from typing import NamedTuple

from typing_extensions import override

from outrigger_server.domain.run import RunId, ThreadId

METADATA = "metadata"
"""The event that says where a run stands."""

STATE_UPDATE = "state_update"
"""The event that says that a thread's state was changed from outside a run."""

_LASTING = "thread-"


def thread_stream(thread_id: ThreadId) -> RunId:
    """What a broker calls the stream of a thread, where it calls others by their runs."""
    return RunId(f"{_LASTING}{thread_id}")


def is_lasting(stream: RunId) -> bool:
    """True for the stream of a thread, which no run's end ends.

    It keeps what it carried for a while after its last reader has left.
    """
    return stream.startswith(_LASTING)


class EventId(NamedTuple):
    """`<milliseconds>-<n>`; increases within a run, also across its attempts."""

    milliseconds: int
    number: int

    @override
    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> "EventId":
        """Read an id as a client sent it; `-1`, `-` and `0` stand before every event.

        Raises:
            ValueError: The text is no event id.
        """
        if text in {"-1", "-"}:
            return cls(-1, 0)
        milliseconds, _, number = text.partition("-")
        return cls(int(milliseconds), int(number or 0))

    def successor(self, milliseconds: int) -> "EventId":
        """The id after this one at the time `milliseconds`, though clocks may step back."""
        if milliseconds > self.milliseconds:
            return EventId(milliseconds, 0)
        return EventId(self.milliseconds, self.number + 1)


FIRST_EVENT_ID = EventId(0, 0)


@dataclass(frozen=True, slots=True)
class Event:
    """One frame of a stream: its name as sent, its data as compact JSON."""

    id: EventId
    name: str
    data: bytes

    @property
    def mode(self) -> str:
        """The stream mode this frame belongs to, without its subgraph namespace."""
        return self.name.partition("|")[0].partition("/")[0]


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in a stream where events are missing: no longer kept, or lost on the way."""
