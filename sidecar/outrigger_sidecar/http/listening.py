"""Where the sidecar listens and how: the sockets, the files of TLS, who may reach them."""

import ipaddress
import socket
import ssl
from dataclasses import dataclass

from outrigger_sidecar.errors import ConfigurationError, ListenError
from outrigger_sidecar.http.serving import Certificate
from outrigger_sidecar.settings import Settings
from outrigger_telemetry.logging import get_logger

LOOPBACK = "127.0.0.1"

log = get_logger("outrigger_sidecar")


@dataclass(frozen=True, slots=True)
class Door:
    """A socket that listens, with TLS or without."""

    listener: socket.socket
    certificate: Certificate | None


def open_doors(settings: Settings) -> list[Door]:
    """Listen where the settings say; the first is where everybody comes in.

    Raises:
        ListenError: An address is taken, or not one of this machine.
        ConfigurationError: The files of TLS cannot be used.
    """
    tls = _certificate(settings)
    doors = [Door(_listen(settings.host, settings.port, "--host or --port"), tls)]
    if settings.plain_port is not None:
        name = "OUTRIGGER_SIDECAR_PLAIN_PORT"
        try:
            doors.append(Door(_listen(LOOPBACK, settings.plain_port, name), None))
        except ListenError:
            doors[0].listener.close()
            raise
    return doors


def warn_of_strangers(settings: Settings, host: str) -> None:
    """Say in the log what who is not on this machine could do here without credentials."""
    if _is_loopback(host):
        return
    if not (settings.token or settings.user):
        log.warning("sidecar_open_to_network", host=host, advice="set a token or a user")
    if settings.relay_key is None:
        advice = "set OUTRIGGER_RELAY_KEY, which senders give as LANGSMITH_API_KEY"
        log.warning("relay_open_to_network", host=host, advice=advice)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _certificate(settings: Settings) -> Certificate | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    try:
        # A key with a password would make OpenSSL ask for it on the terminal.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except OSError as error:
        is_content = isinstance(error, ssl.SSLError)
        reason = "no certificate with its key" if is_content else (error.strerror or "").lower()
        names = "OUTRIGGER_SIDECAR_TLS_CERT and OUTRIGGER_SIDECAR_TLS_KEY"
        fault = f"{names}: cannot be used: {reason}"
        raise ConfigurationError([fault]) from error
    return Certificate(settings.tls_cert, settings.tls_key)


def _listen(host: str, port: int, choice: str) -> socket.socket:
    where = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _cannot_listen(where, choice, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise _cannot_listen(where, choice, error) from error
    return listener


def _cannot_listen(where: str, choice: str, error: OSError) -> ListenError:
    reason = (error.strerror or "unusable").lower()
    return ListenError(f"cannot listen on {where}: {reason}; choose another with {choice}")
