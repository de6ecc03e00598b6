"""A way to a PostgreSQL that is cut at a commit, before or after it has arrived."""

import socket
import threading
from contextlib import suppress
from typing import Self

COMMIT = b"COMMIT\0"  # as the whole of a statement


class CuttingProxy:
    """Passes bytes on both ways until it is told to cut; later connections pass again."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._cut: str | None = None
        self.after_cut = lambda: None
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def cut_next_commit(self, when: str) -> None:
        """Break the connection that sends the next COMMIT, `before` or `after` it arrives."""
        self._cut = when

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._server))
            except OSError:
                client.close()
                continue
            for target, source in ((client, server), (server, client)):
                thread = threading.Thread(
                    target=self._pass_on, args=(source, target, source is client), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, source: socket.socket, target: socket.socket, outgoing: bool) -> None:
        with source, target, suppress(OSError):
            while data := source.recv(65536):
                if outgoing and self._cut is not None and COMMIT in data:
                    self._carry_out_cut(source, target, data)
                    return
                target.sendall(data)

    def _carry_out_cut(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        when, self._cut = self._cut, None
        # Nothing comes back to the client any more, whatever the server does.
        client.shutdown(socket.SHUT_RDWR)
        if when == "after":
            server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            while server.recv(65536):
                pass
        else:
            server.shutdown(socket.SHUT_RDWR)
        self.after_cut()
