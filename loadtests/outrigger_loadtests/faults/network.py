"""The way to a server: one address that leads to several ports, and that can be made slow."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle

BACKLOG = 512
CONNECT_SECONDS = 5.0
PIECE = 65_536


class Network:
    """Leads every new connection to the next port; a port that refuses is passed over.

    While `delay` is not 0, every piece of data arrives so many seconds late, both ways.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self.delay = 0.0
        self._turns = cycle(ports)
        self._count = len(ports)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """Break every connection there is; new ones can be made."""
        with self._lock:
            cut = list(self._open)
        for each in cut:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        """Take connections until it is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            upstream = self._next_upstream()
            if upstream is None:
                client.close()
                continue
            with self._lock:
                self._open |= {client, upstream}
            for source, sink in ((client, upstream), (upstream, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def close(self) -> None:
        """Take no more connections and break those there are."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _next_upstream(self) -> socket.socket | None:
        for _ in range(self._count):
            with suppress(OSError):
                return socket.create_connection(
                    ("127.0.0.1", next(self._turns)), timeout=CONNECT_SECONDS
                )
        return None

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            source.settimeout(None)
            while piece := source.recv(PIECE):
                if self.delay:
                    time.sleep(self.delay)
                sink.sendall(piece)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        with self._lock:
            self._open -= {source, sink}


@contextmanager
def network_to(ports: Sequence[int]) -> Iterator[Network]:
    """Lead to these ports until the block ends."""
    network = Network(ports)
    threading.Thread(target=network.serve, name="network", daemon=True).start()
    try:
        yield network
    finally:
        network.close()
