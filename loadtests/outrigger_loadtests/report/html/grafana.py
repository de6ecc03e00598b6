"""The link to a Grafana that shows the same stretch of time."""

from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

BEFORE, AFTER = timedelta(seconds=30), timedelta(seconds=30)


def grafana_link(address: str, started_at: str, duration: float) -> str:
    """Return the address with the time of a test, and a little around it; empty without one.

    What its query says besides is kept.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"}:
        return ""
    try:
        start = datetime.fromisoformat(started_at)
    except ValueError:
        return ""
    stop = start + timedelta(seconds=duration)
    moments = {"from": start - BEFORE, "to": stop + AFTER}
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in moments]
    times = [(name, str(int(at.timestamp() * 1000))) for name, at in moments.items()]
    return urlunsplit(parts._replace(query=urlencode([*kept, *times])))
