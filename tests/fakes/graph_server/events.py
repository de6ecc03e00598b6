"""A run's events: kept in order, given to readers as frames of server-sent events."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from fakes.graph_server.bugs import Bug, Bugs
from fakes.graph_server.clock import Signal, SimulatedClock

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "connection": "keep-alive",
}
HEARTBEAT = b": heartbeat\r\n\r\n"
HEARTBEAT_SECONDS = 5.0


def frame(name: str, payload: Any, event_id: str = "") -> bytes:
    tail = f"id: {event_id}\r\n" if event_id else ""
    return b"event: %b\r\ndata: %b\r\n%b\r\n" % (
        name.encode(),
        orjson.dumps(payload),
        tail.encode(),
    )


@dataclass(slots=True)
class Event:
    at: int
    milliseconds: int
    number: int
    name: str
    data: bytes  # the whole frame


class EventLog:
    """The events of one run. `changed` tells readers to look again."""

    __slots__ = ("_bugs", "_clock", "_wall", "_with_ids", "changed", "ended_at", "events", "mute")

    def __init__(
        self, clock: SimulatedClock, wall: Callable[[], int], bugs: Bugs, *, with_ids: bool = True
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._bugs = bugs
        self._with_ids = with_ids
        self.events: list[Event] = []
        self.changed = Signal(clock)
        self.ended_at: int | None = None
        self.mute = False  # a fault: those who wait are never told anything any more

    def publish(self, name: str, payload: Any) -> None:
        """Add an event; its id is `<milliseconds>-<n>`, behind every earlier one."""
        milliseconds, number = self._wall() // 1000, 0
        if Bug.IDS_GO_BACK in self._bugs and len(self.events) > 1:
            milliseconds -= 1000 * len(self.events)
        elif self.events and self.events[-1].milliseconds >= milliseconds:
            milliseconds, number = self.events[-1].milliseconds, self.events[-1].number + 1
        event_id = f"{milliseconds}-{number}" if self._with_ids else ""
        data = frame(name, payload, event_id)
        self.events.append(Event(self._clock.now(), milliseconds, number, name, data))
        self.changed.notify()

    def end(self, last_words: dict[str, str] | None, error: dict[str, str] | None = None) -> None:
        """Close the log: readers get what is left, why the run ended, and the end."""
        now = self._clock.now()
        if error is not None:
            self.events.append(Event(now, 0, 0, "error", frame("error", error)))
        elif last_words is not None:
            self.events.append(Event(now, 0, 0, "metadata", frame("metadata", last_words)))
        self.ended_at = now
        self.changed.notify()

    def place_after(self, last_event_id: str | None) -> int:
        """How many events a reader does not want; without an id only later ones are."""
        if last_event_id is None or not self._with_ids:
            return len(self.events)
        if last_event_id in ("-1", "0"):
            return 0
        milliseconds, _, number = last_event_id.partition("-")
        asked = (int(milliseconds), int(number or 0))
        # Those that say why the run ended have no id: they come behind everything.
        seen = sum(
            1
            for each in self.events
            if each.milliseconds and (each.milliseconds, each.number) <= asked
        )
        if Bug.RESUME_SKIPS in self._bugs:
            return seen + 1
        return max(0, seen - 1) if Bug.RESUME_REPEATS in self._bugs else seen
