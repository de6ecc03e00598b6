"""How long to wait before the next try. Pure but for the dice that are passed in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random

from outrigger_client.settings import Retries

_MOST_DOUBLINGS = 32


def backoff(number: int, retries: Retries, dice: Random) -> float:
    """Seconds after try `number`, counted from 1: doubling, half of it left to chance."""
    doubled = retries.first_pause_seconds * 2 ** min(number - 1, _MOST_DOUBLINGS)
    whole: float = min(doubled, retries.longest_pause_seconds)
    return whole / 2 + dice.uniform(0, whole / 2)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The seconds that a server asks for; None when it does not, or not in words one knows.

    A date counts from the answer's own `Date`, so clocks need not agree.
    """
    told = headers.get("retry-after")
    if told is None:
        return None
    if told.strip().isdigit():
        return float(told)
    then = _date(told)
    since = _date(headers.get("date", "")) or now or datetime.now(UTC)
    return None if then is None else max(0.0, (then - since).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def pause_after(
    number: int, asked: float | None, retries: Retries, dice: Random, *, spent: float
) -> float | None:
    """Seconds to wait after try `number`, or None when it was the last.

    `asked` is what the server asked for, `spent` the seconds since the first try.
    """
    if number >= retries.tries or (asked or 0.0) > retries.longest_retry_after_seconds:
        return None
    pause = max(backoff(number, retries, dice), asked or 0.0)
    return None if spent + pause > retries.budget_seconds else pause
