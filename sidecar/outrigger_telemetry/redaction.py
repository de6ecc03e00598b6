"""Takes secrets out of values before they are written anywhere.

Pure: values in, values out. It knows two signs of a secret: the key it stands under, and
what it looks like. It is not a filter for user content; that must not be logged at all.
"""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

REDACTED = "[redacted]"
MAX_DEPTH = 6

_SECRET_KEY = re.compile(
    r"(?:^|[_\-.])(?:authorization|api[_-]?key|apikey|password|passwd|passphrase|secrets?"
    r"|token|access[_-]?token|refresh[_-]?token|cookies?|dsn|credentials?|private[_-]?key)$",
    re.IGNORECASE,
)
# One alternation so that a clean string costs one pass.
_SECRET_TEXT = re.compile(
    r"(?P<url>\b[a-z][a-z0-9+.\-]*://)[^\s/:@]*:[^\s/@]+@"
    r"|(?P<scheme>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/\-]{8,}=*"
    r"|(?P<pair>\b[\w\-]*(?:api[_-]?key|password|passwd|secret|access[_-]?token)"
    r"\\*[\"']?\s*[=:]\s*\\*[\"']?)[^\s\"',;&}]{4,}"
    r"|\b(?:sk|pk|rk)-[A-Za-z0-9_\-]{8,}"
    r"|\blsv2_[A-Za-z0-9_]{8,}"
    r"|\bork_[A-Za-z0-9_\-]{8,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{16,}"
    r"|\bxox[abprs]-[A-Za-z0-9\-]{8,}"
    r"|\bAKIA[A-Z0-9]{12,}"
    r"|\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*",
    re.IGNORECASE,
)
# Text without any of these, in small letters, holds neither a secret nor a secret's key.
# Looking for them costs a fraction of the patterns.
_SIGNS = (
    *("://", "bearer", "basic", "sk-", "pk-", "rk-", "lsv2_", "ork_", "ghp_", "gho_", "ghu_"),
    *("ghs_", "ghr_", "xox", "akia", "eyj", "key", "pass", "secret", "token", "auth", "cookie"),
    *("dsn", "credential"),
)
_SIGN_BYTES = tuple(sign.encode() for sign in _SIGNS)


def may_hold_secret(line: bytes) -> bool:
    """True unless it is sure that `line` holds no secret; cheap, for a rendered line."""
    lowered = line.lower()
    for sign in _SIGN_BYTES:  # noqa: SIM110  any() with a generator takes twice as long
        if sign in lowered:
            return True
    return False


def is_secret_key(key: str) -> bool:
    """True when what stands under `key` is a secret; counts such as input_tokens are not."""
    return _SECRET_KEY.search(key) is not None


def redact_text(text: str) -> str:
    """Replace each thing in `text` that looks like a secret; the rest stays as it is."""
    return _SECRET_TEXT.sub(_replacement, text)


def redact(value: Any, levels: int = MAX_DEPTH) -> Any:
    """Return `value` without secrets, looking into mappings and sequences.

    Below so many levels nothing is trusted and all of it is replaced.
    """
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if levels <= 0:
        return REDACTED
    if isinstance(value, Mapping):
        return {key: _redact_item(key, item, levels) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(item, levels - 1) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return redact_text(bytes(value).decode("utf-8", "replace"))
    return value


def redact_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take the secrets out of a log event, in place; a structlog processor."""
    for key, value in event.items():
        event[key] = _redact_item(key, value, MAX_DEPTH)
    return event


def _redact_item(key: object, value: Any, levels: int) -> Any:
    # A number under such a key is a count or a flag, not a secret.
    secret = isinstance(key, str) and is_secret_key(key)
    if secret and not (value is None or isinstance(value, (bool, int, float))):
        return REDACTED
    return redact(value, levels - 1)


def _replacement(match: re.Match[str]) -> str:
    kept = match["url"] or match["scheme"] or match["pair"] or ""
    return f"{kept}{REDACTED}@" if match["url"] else f"{kept}{REDACTED}"
