"""A name server on loopback, as an engine gives one to its containers."""

import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

HEADER = struct.Struct(">HHHHHH")
ANSWERED, UNKNOWN = 0x8180, 0x8183
ADDRESS, INTERNET = 1, 1
SECONDS = 1
"""How long an answer may be kept."""


class Names:
    """Answers with all addresses of a service, whether somebody is there or not."""

    def __init__(self, address: str, port: int, services: Mapping[str, Sequence[str]]) -> None:
        self.services = services
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))

    def serve(self) -> None:
        """Answer until it is closed."""
        while True:
            try:
                question, sender = self._socket.recvfrom(512)
                if not question:
                    self._socket.close()
                    return
                self._socket.sendto(self._answer(question), sender)
            except OSError:  # nobody hears the answer any more
                continue

    def stop(self) -> None:
        """Answer no more."""
        self._socket.sendto(b"", self._socket.getsockname())

    def _answer(self, question: bytes) -> bytes:
        number = HEADER.unpack_from(question)[0]
        name, end = _name(question)
        asked = question[HEADER.size : end + 4]
        (kind,) = struct.unpack_from(">H", question, end)
        known = self.services.get(name)
        found = (known or ()) if kind == ADDRESS else ()
        records = b"".join(
            struct.pack(">HHHIH", 0xC00C, ADDRESS, INTERNET, SECONDS, 4) + socket.inet_aton(each)
            for each in found
        )
        code = UNKNOWN if known is None else ANSWERED
        return HEADER.pack(number, code, 1, len(found), 0, 0) + asked + records


def _name(question: bytes) -> tuple[str, int]:
    """The name that is asked for, and where it ends."""
    place, labels = HEADER.size, []
    while length := question[place]:
        labels.append(question[place + 1 : place + 1 + length].decode())
        place += 1 + length
    return ".".join(labels), place + 1


@contextmanager
def names_served(address: str, port: int, services: Mapping[str, Sequence[str]]) -> Iterator[Names]:
    """Serve these names until the block ends."""
    names = Names(address, port, services)
    thread = threading.Thread(target=names.serve, name="names", daemon=True)
    thread.start()
    try:
        yield names
    finally:
        names.stop()
        thread.join()
