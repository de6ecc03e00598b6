"""Text from servers made fit to be shown: a report never hands on what a terminal would obey.

Messages, ids and names come from the tested server. Nothing here knows where they are shown;
what XML or Markdown ask for besides is done where it is written.
"""

import re

ELLIPSIS = "…"
NOTHING = "–"  # noqa: RUF001  a dash, as tables have it where there is nothing
MESSAGE_LENGTH = 600

# Control characters, halves of surrogate pairs, marks that turn the direction of writing, and
# what is no character: everything XML forbids is among them.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)
_SPACE = re.compile(r"\s+")


def printable(text: str) -> str:
    r"""Return the text with every character that cannot be shown written out, like `\x1b`."""
    return _UNFIT.sub(_written_out, text)


def one_line(text: str, limit: int = MESSAGE_LENGTH) -> str:
    """Return the text on one line, fit to be shown and not longer than `limit`."""
    return shortened(printable(_SPACE.sub(" ", text).strip()), limit)


def shortened(text: str, limit: int) -> str:
    """Return the text, cut with an ellipsis where it would be longer than `limit`."""
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def first_lines(text: str, limit: int) -> str:
    """Return at most so many lines of the text; the last one says how many there are besides."""
    lines = text.splitlines()
    if len(lines) <= limit:
        return text
    left_out = len(lines) - limit + 1
    return "\n".join([*lines[: limit - 1], f"{ELLIPSIS} {left_out:,} lines left out"])


def times(count: int, noun: str) -> str:
    """Return `1 run` or `2 runs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _written_out(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 1 << 8 else f"\\u{number:04x}"
