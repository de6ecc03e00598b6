"""Writes lines to a file descriptor from a thread of its own, so that a log call never blocks.

Bounded: when nobody reads the other end, lines are dropped and counted, and a note of how
many is written once it is read again. What a line looks like is not known here.
"""

import os
import select
import threading
from collections import deque
from collections.abc import Callable

MAX_PENDING_BYTES = 8 * 1024 * 1024
MAX_BATCH_LINES = 256
LINGER_SECONDS = 0.01
"""How long lines wait for more: waking the thread for each of them costs more than they do."""


class LineOutput:
    """Takes lines from any thread and writes them in order. Runs from creation to `close`."""

    def __init__(
        self,
        descriptor: int,
        *,
        describe_drops: Callable[[int], bytes],
        max_pending_bytes: int = MAX_PENDING_BYTES,
    ) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self._describe_drops = describe_drops
        self._max_pending_bytes = max_pending_bytes
        self._lines: deque[bytes] = deque()
        self._pending_bytes = 0
        self._told = 0
        self._is_closing = False
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Queue `line`, to which a line end is added; drop and count it when the queue is full."""
        with self._changed:
            if self._is_closing or self._pending_bytes + len(line) > self._max_pending_bytes:
                self.dropped += 1
                return
            if not self._lines:
                self._changed.notify()
            self._lines.append(line)
            self._pending_bytes += len(line)

    def close(self, deadline: float = 1.0) -> None:
        """Write what is queued, for at most `deadline` seconds; safe to call twice."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._closing.set()
        if self._thread is not threading.current_thread():
            self._thread.join(deadline)

    def _run(self) -> None:
        while lines := self._next_lines():
            try:
                self._write_all(b"\n".join(lines) + b"\n")
            except OSError:  # the reader has gone for good
                with self._changed:
                    self.dropped += len(lines)
                    self._told = self.dropped
            if len(lines) < MAX_BATCH_LINES:
                self._closing.wait(LINGER_SECONDS)

    def _next_lines(self) -> list[bytes]:
        with self._changed:
            while not self._lines and not self._is_closing:
                self._changed.wait()
            count = min(len(self._lines), MAX_BATCH_LINES)
            lines = [self._lines.popleft() for _ in range(count)]
            self._pending_bytes -= sum(map(len, lines))
            missed = self.dropped - self._told
            if missed and not self._lines:
                self._told = self.dropped
                lines.append(self._describe_drops(missed))
            return lines

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
