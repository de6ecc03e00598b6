"""A way to a PostgreSQL that is cut at a commit, before or after it has arrived."""

import socket
import threading
from contextlib import suppress
from functools import partial
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
        """Done before the client hears that its connection is gone."""
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
            mute = threading.Event()
            for work in (
                partial(self._pass_questions, client, server, mute),
                partial(self._pass_answers, server, client, mute),
            ):
                thread = threading.Thread(target=work, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass_questions(
        self, client: socket.socket, server: socket.socket, mute: threading.Event
    ) -> None:
        with client, server, suppress(OSError):
            while data := client.recv(65536):
                if self._cut is not None and COMMIT in data:
                    mute.set()
                    self._carry_out_cut(client, server, data)
                    return
                server.sendall(data)

    def _pass_answers(
        self, server: socket.socket, client: socket.socket, mute: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if not mute.is_set():
                    client.sendall(data)
            if not mute.is_set():
                client.shutdown(socket.SHUT_RDWR)

    def _carry_out_cut(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        when, self._cut = self._cut, None
        if when == "after":
            server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            while server.recv(65536):  # until the server has done it and left
                pass
        else:
            server.shutdown(socket.SHUT_RDWR)
        self.after_cut()
        client.shutdown(socket.SHUT_RDWR)
