"""Where a reader stands in a run's stream, and what the next page means for it; no I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from outrigger_server.brokers.base import RunEnd
from outrigger_server.brokers.redis.names import read_end
from outrigger_server.domain.event import FIRST_EVENT_ID, Event, EventId, Gap
from outrigger_server.domain.run import RunId

PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """How far the stream goes, whether it is kept, how it ended, and the events behind a place."""

    last: EventId
    kept: bool
    end: RunEnd | None
    entries: Sequence[tuple[bytes, Mapping[bytes, bytes]]] = ()


def read_page(
    run_id: RunId,
    state: Sequence[bytes | None],
    entries: Sequence[tuple[bytes, Mapping[bytes, bytes]]] = (),
) -> Page:
    """The page as Redis answers it; without a stream it is one that has not begun."""
    milliseconds, number, kept, written, body = state
    last = FIRST_EVENT_ID
    if number is not None:
        last = EventId(int(milliseconds or 0), int(number))
    return Page(last, kept == b"1", read_end(run_id, written, body), entries)


class Place:
    """Follows the numbers in the ids, which have no holes: a hole is a gap.

    A gap is told where the writer marked it, where a returning reader comes too late and
    where Redis lost the stream. Any other hole says that the reader was too slow.
    """

    def __init__(self, after: EventId | None, *, lasting: bool = False) -> None:
        self._after = after
        # Whoever wants all there is of a stream without a beginning misses nothing before it.
        self._from_anywhere = lasting and after is not None and after <= FIRST_EVENT_ID
        self._returning = after is not None
        self._gap = False
        self._told = False
        self.at: EventId | None = None
        self.behind = False
        """True when there is more to read at once."""
        self.too_slow = False

    @property
    def begun(self) -> bool:
        """True when the stream has events, though the reader may have had them all."""
        return self.at is not None and self.at.number > 0

    def miss(self) -> None:
        """Take note that events are missing here."""
        self._gap = True

    def begin(self, page: Page) -> None:
        """Stand at the end of the stream, or behind the event that a returning reader had."""
        self.behind = True
        if self._after is None or (page.last.number > 0 and not page.kept):
            self.at = page.last
        elif self._after.number > page.last.number:
            self.at, self._gap = FIRST_EVENT_ID, True
        else:
            self.at = self._after

    def take(self, page: Page) -> Iterator[Event | Gap]:
        """What the page gives; the place moves with every event taken."""
        if self.at is None:
            self.begin(page)
            yield from self._tell_gap()
            return
        yield from self._tell_gap()
        if page.last.number < self.at.number:  # Redis lost the stream
            self.at, self.behind = FIRST_EVENT_ID, page.last.number > 0
            self.miss()
            yield from self._tell_gap()
            return
        for entry_id, fields in page.entries:
            yield from self._entry(EventId.parse(entry_id.decode()), fields)
            if self.too_slow:
                self.behind = False
                return
        if not page.entries and page.last.number > self.at.number:
            self.at = page.last
            if not self._from_anywhere:
                self.miss()
            yield from self._tell_gap()
        self.behind = len(page.entries) == PAGE or page.last.number > self.at.number

    def _entry(self, event_id: EventId, fields: Mapping[bytes, bytes]) -> Iterator[Event | Gap]:
        follows = self.at is None or event_id.number == self.at.number + 1
        if not follows and not self._from_anywhere:
            if not self._returning and b"g" not in fields:
                self.too_slow = True
                return
            self.miss()
            yield from self._tell_gap()
        self.at = event_id
        self._returning = self._told = self._from_anywhere = False
        yield Event(event_id, fields[b"e"].decode(), fields[b"d"])

    def _tell_gap(self) -> Iterator[Gap]:
        if self._gap:
            self._gap = False
            if not self._told:
                self._told = True
                yield Gap()
