"""Takes secrets out of raw JSON before it is written to disk.

Reading and walking all JSON would cost more than all else together. So one look over the whole
body finds the places that might be a secret; only parts with such a place are read and redacted.
The look sees more than there is, never less.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence

from outrigger_sidecar.relay import json_text
from outrigger_sidecar.relay.arrivals import Arrival, Piece, content_type_of, head_of
from outrigger_telemetry.redaction import redact, redact_text

LEVELS = 100
"""Nested deeper than this, nothing is trusted: all of it is replaced."""

# In raw JSON, in small letters. Each starts with letters of its own: `re` then searches as fast
# as for plain text. Between the quote of a key and its colon JSON allows white space.
_SIGNS = tuple(
    re.compile(sign)
    for sign in (
        rb"://[^\s/:@]*:[^\s/@]+@",
        rb"bearer[^a-z0-9_\"]",
        rb"basic[^a-z0-9_\"]",
        rb"k-(?<=[spr]k-)[a-z0-9_\-]{8}",
        rb"lsv2_",
        rb"gh[pousr]_[a-z0-9]{16}",
        rb"xox[abprs]-",
        rb"akia[a-z0-9]{12}",
        rb"eyj[a-z0-9_\-]{8}",
        rb"api[_\-]?key",
        rb"private[_\-]?key\"",
        rb"passw",
        rb"passphrase",
        rb"secret",
        rb"access[_\-]?token",
        rb"token\"\s*:",
        rb"authorization\"",
        rb"cookies?\"",
        rb"dsn\"",
        rb"credentials?\"",
        # A letter written as its number, or a slash with a stroke before it: read it to be sure.
        rb"\\u00[2-7]",
        rb"\\/",
    )
)


class ScrubbingError(Exception):
    """The content cannot be read, so its secrets cannot be taken out."""


def scrub(arrival: Arrival, suspected: Sequence[int]) -> None:
    """Take the secrets out of what is kept of `arrival`.

    `suspected` is what `suspicions` found in the body that it came in.

    Raises:
        ScrubbingError: A part that may hold a secret cannot be read.
    """
    for piece in arrival.pieces:
        if _is_suspect(piece, suspected):
            scrub_piece(piece)


def _is_suspect(piece: Piece, suspected: Sequence[int]) -> bool:
    if piece.start < 0:  # it was made anew, of a body that is suspect
        return bool(suspicions(piece.content))
    head = len(piece.head or b"")
    index = bisect_left(suspected, piece.start - head)
    return index < len(suspected) and suspected[index] < piece.start + len(piece.content)


def scrub_piece(piece: Piece) -> None:
    """Take the secrets out of one part."""
    content = scrub_json(piece.content) if piece.is_json else scrub_text(piece.content)
    if piece.head is None:
        piece.content = content
        return
    name = redact_text(piece.name)
    kind = redact_text(content_type_of(piece.head))
    piece.content, piece.head = content, head_of(name, len(content), kind)


def suspicions(body: bytes) -> list[int]:
    """Return where in `body` something may be a secret, in order."""
    lowered = body.lower()
    found = [match.start() for sign in _SIGNS for match in sign.finditer(lowered)]
    found.sort()
    return found


def scrub_json(raw: bytes) -> bytes:
    """Return JSON without secrets.

    Raises:
        ScrubbingError: It cannot be read.
    """
    try:
        return json_text.dumps(redact(json_text.loads(raw), LEVELS))
    except (ValueError, RecursionError) as error:
        raise ScrubbingError from error


def scrub_text(raw: bytes) -> bytes:
    """Return an attachment without secrets that are written in plain letters."""
    try:
        return redact_text(raw.decode()).encode()
    except UnicodeDecodeError:  # a picture, say: each byte stands for itself
        return redact_text(raw.decode("latin-1")).encode("latin-1")
