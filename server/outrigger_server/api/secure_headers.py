"""What every answer tells browsers and caches, so that neither does more with it than it should."""

from starlette.types import Message, Scope

NO_SNIFFING = (b"x-content-type-options", b"nosniff")
NO_REFERRER = (b"referrer-policy", b"no-referrer")
NOT_KEPT = (b"cache-control", b"no-store")
ALWAYS_TLS = (b"strict-transport-security", b"max-age=31536000")


def add_secure_headers(message: Message, scope: Scope) -> None:
    """Add to the start of an answer what it does not say itself.

    What was answered to somebody the gate let in is kept by no cache. TLS for a year is promised
    only where the request came by it: over a trusted proxy, this server speaks none.
    """
    wanted = [NO_SNIFFING, NO_REFERRER]
    if "user" in scope:
        wanted.append(NOT_KEPT)
    if scope["scheme"] == "https":
        wanted.append(ALWAYS_TLS)
    headers = list(message.get("headers", ()))
    given = {name.lower() for name, _ in headers}
    headers += [each for each in wanted if each[0] not in given]
    message["headers"] = headers
