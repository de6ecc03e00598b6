"""The queue in front of a writer thread, which is woken as seldom as possible."""

import queue
import threading
from collections import deque
from typing import Generic, TypeVar

from outrigger_server.errors import Overloaded, StoreUnavailable

BACKLOG_LIMIT = 20_000
"""Jobs that may wait; beyond it the server says that it is overloaded."""

LINGER_SECONDS = 0.005
"""How long jobs that are not urgent wait for others to be committed with them."""

Entry = TypeVar("Entry")


class JobQueue(Generic[Entry]):
    """Jobs in the order they were put; any thread puts, one takes.

    Waking a thread costs more than most jobs do. An urgent job wakes it at once; others wait
    for one, or until the taker, which looks again by itself while such jobs come, finds them.
    """

    def __init__(self, linger_seconds: float = LINGER_SECONDS) -> None:
        self._linger_seconds = linger_seconds
        self._gate = threading.Lock()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._entries: deque[tuple[Entry, bool]] = deque()
        self._urgent = 0
        self._looks_soon = False
        self._closed = False

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: Entry, *, urgent: bool) -> None:
        """Add a job at the end.

        Raises:
            StoreUnavailable: The queue is closed.
            Overloaded: Too many jobs wait.
        """
        with self._gate:
            if self._closed:
                raise StoreUnavailable("The server is stopping; nothing was stored.")
            if len(self._entries) >= BACKLOG_LIMIT:
                raise Overloaded("Too many writes are waiting; try again later.")
            self._entries.append((entry, urgent))
            self._urgent += urgent
            wake = urgent or not self._looks_soon
            self._looks_soon = True
        if wake:
            self._bell.put(None)

    def close(self) -> None:
        """Refuse further jobs; those that wait are still taken."""
        with self._gate:
            self._closed = True
        self._bell.put(None)

    def take(self, limit: int) -> list[Entry]:
        """Wait until jobs are worth a commit and take the oldest; none when it is closed."""
        while not self._due():
            try:
                self._bell.get(timeout=self._linger_seconds if self._looks_soon else None)
            except queue.Empty:
                if self._stop_looking():
                    break
        with self._gate:
            taken = [self._entries.popleft() for _ in range(min(limit, len(self._entries)))]
            self._urgent -= sum(urgent for _, urgent in taken)
        return [entry for entry, _ in taken]

    def _due(self) -> bool:
        return self._urgent > 0 or self._closed

    def _stop_looking(self) -> bool:
        """True when something is there after all; else the next job rings the bell."""
        with self._gate:
            self._looks_soon = bool(self._entries)
            return self._looks_soon
