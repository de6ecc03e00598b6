"""Where the sidecar listens and what for: the socket, the files of TLS, who may reach it."""

import ipaddress
import socket
import ssl

from outrigger_sidecar.errors import ConfigurationError, ListenError
from outrigger_sidecar.http.serving import Certificate
from outrigger_sidecar.settings import Settings
from outrigger_telemetry.logging import get_logger

log = get_logger("outrigger_sidecar")


def certificate(settings: Settings) -> Certificate | None:
    """The files of TLS, tried; None without.

    Raises:
        ConfigurationError: They cannot be used.
    """
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


def listen(settings: Settings) -> socket.socket:
    """A socket that listens on the address of the settings.

    Raises:
        ListenError: The address is taken, or not one of this machine.
    """
    where = f"{settings.host}:{settings.port}"
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _cannot_listen(where, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise _cannot_listen(where, error) from error
    return listener


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


def _cannot_listen(where: str, error: OSError) -> ListenError:
    reason = (error.strerror or "unusable").lower()
    return ListenError(f"cannot listen on {where}: {reason}; choose another with --host or --port")
