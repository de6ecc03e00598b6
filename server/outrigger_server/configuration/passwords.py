"""Tells a password that anybody would try first, and an address that has none. Pure."""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

FEWEST_CHARACTERS = 4
"""Different ones; what has fewer is one key held down."""
SHORTEST_NUMBER = 12

_TRIED_FIRST = frozenset(
    {
        *("admin", "administrator", "changeit", "changeme", "default", "demo", "dev", "example"),
        *("guest", "langgraph", "letmein", "master", "outrigger", "pass", "passwd", "password"),
        *("postgres", "postgresql", "pwd", "qwerty", "redis", "replaceme", "root", "secret"),
        *("secretkey", "supersecret", "task", "taskmaistro", "temp", "test", "todo", "user"),
        *("welcome", "yourpassword", "yoursecret"),
    }
)
_REPEATED = re.compile(r"(.+?)\1*", re.DOTALL)
# Ways besides a password in which libpq shows who it is.
_OTHER_PROOFS = ("passfile", "sslcert")
_OTHER_VARIABLES = ("PGPASSFILE", "PGSSLCERT")


def is_tried_first(password: str, user: str = "") -> bool:
    """True for the words that installations ship with, repeated or with digits behind, too."""
    letters = re.sub(r"[^a-z]", "", password.lower())
    unit = _REPEATED.fullmatch(letters)
    few = len(set(password)) < FEWEST_CHARACTERS
    short = password.isdecimal() and len(password) < SHORTEST_NUMBER
    known = letters in _TRIED_FIRST or (unit is not None and unit[1] in _TRIED_FIRST)
    return password == user or few or short or known


def fault_of_postgres(uri: str, environ: Mapping[str, str]) -> str | None:
    """Say what is wrong with a PostgreSQL address's password; None when nothing is.

    A socket of this machine needs none: PostgreSQL asks the system who connects.
    """
    parts = _split(uri)
    query = parse_qs(parts.query)
    host = unquote(parts.hostname or query.get("host", [""])[0])
    proven = any(query.get(name) for name in _OTHER_PROOFS)
    if not host or host.startswith("/") or proven or any(map(environ.get, _OTHER_VARIABLES)):
        return None
    password = unquote(parts.password or "") or query.get("password", [""])[0]
    user = unquote(parts.username or "") or query.get("user", [""])[0]
    return _fault_of(password or environ.get("PGPASSWORD", ""), user)


def fault_of_redis(uri: str) -> str | None:
    """Say what is wrong with a Redis address's password; None when nothing is."""
    parts = _split(uri)
    if parts.scheme == "unix":
        return None
    password = unquote(parts.password or "") or parse_qs(parts.query).get("password", [""])[0]
    return _fault_of(password, unquote(parts.username or ""))


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError:  # no address at all; whoever connects to it will say so
        return SplitResult("unix", "", "", "", "")


def _fault_of(password: str, user: str) -> str | None:
    if not password:
        return "has no password"
    return "has a default password" if is_tried_first(password, user) else None
