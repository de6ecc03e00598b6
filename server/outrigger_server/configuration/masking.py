"""Shows values without what is secret in them. Pure."""

import re

from outrigger_telemetry.redaction import redact_text

MASK = "***"

# Greedy up to the last @: a password may hold one, or a slash, that nobody escaped.
_USER_INFO = re.compile(r"(?P<kept>[a-z][a-z0-9+.-]*://[^:/?#@\s]*):\S*@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"(?P<kept>[?&;](?:[a-z_-]*(?:pass|password|secret|token|key))=)[^&;\s]*", re.IGNORECASE
)
_SECRET_WORDS = frozenset(
    {
        *("KEY", "KEYS", "APIKEY", "TOKEN", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASS"),
        *("CREDENTIAL", "CREDENTIALS", "DSN", "AUTHORIZATION", "COOKIE"),
    }
)
_PLACES = frozenset({"FILE", "DIR", "PATH", "NAME"})


def masked(name: str, value: str) -> str:
    """A variable's value, without what is secret by its name or by what it looks like."""
    if value and names_secret(name):
        return MASK
    return masked_address(value) if "://" in value else redact_text(value)


def masked_address(value: str) -> str:
    """Text without the passwords of the addresses in it."""
    return _PARAMETER.sub(rf"\g<kept>{MASK}", _USER_INFO.sub(rf"\g<kept>:{MASK}@", value))


def names_secret(name: str) -> bool:
    """True for the name of a variable that holds a secret itself, not the place of one."""
    words = name.upper().split("_")
    return words[-1] not in _PLACES and not _SECRET_WORDS.isdisjoint(words)
