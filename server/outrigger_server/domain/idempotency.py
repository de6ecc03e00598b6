"""A client's name for one creation, so that it may send the request again without a second one."""

import re
from dataclasses import dataclass

from outrigger_server.domain.clock import MICROSECONDS

KEPT_MICROSECONDS = 24 * 3600 * MICROSECONDS
"""How long the server remembers what a key created."""

LONGEST_KEY = 255

_PRINTABLE = re.compile(r"[ -~]+")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key, where it counts, and what was sent with it. Keys of other scopes are other keys."""

    scope: str
    """Method and path, and who asks where that is known."""
    key: str
    body_sha256: str
    """Of the body in one spelling: two bodies that say the same have the same."""


def is_key(text: str) -> bool:
    """True for printable ASCII of one to 255 characters."""
    return len(text) <= LONGEST_KEY and _PRINTABLE.fullmatch(text) is not None
