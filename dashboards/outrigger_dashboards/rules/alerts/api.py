"""Alerts about the HTTP API and streams."""

from outrigger_dashboards.boards.names import HTTP, STREAMS
from outrigger_dashboards.config import MINUTE, Limits
from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.expression import above, both, ratio
from outrigger_dashboards.promql.queries import increase, observations, observed
from outrigger_dashboards.rules.model import Alert, Signal

_REQUESTS = "http_server_request_duration_seconds"
_LOST = "langgraph_stream_events_lost_total"
_LEAST_REQUESTS = 20


def api_alerts(limits: Limits) -> tuple[Alert, ...]:
    """Make them."""
    over = 5 * MINUTE
    route = {"method": "GET", "route": "/threads/{thread_id}"}
    return (
        Alert(
            name="HttpErrors",
            expression=both(
                above(
                    ratio(
                        observed(_REQUESTS, where={"status_class": "5xx"}, over=over),
                        observed(_REQUESTS, over=over),
                    ),
                    limits.http_error_ratio,
                ),
                above(observations(_REQUESTS, over=over), _LEAST_REQUESTS),
            ),
            lasts=5 * MINUTE,
            severity="critical",
            component="server",
            summary="The API answers with errors of its own",
            description="{{ $value | humanizePercentage }} of the answers are 5xx.",
            panel=Target(HTTP, "failing-routes"),
            signals=(
                Signal(_REQUESTS, 60, 0, {**route, "status_class": "5xx"}, "_count"),
                Signal(_REQUESTS, 60, 120, {**route, "status_class": "2xx"}, "_count"),
            ),
            window=over,
        ),
        Alert(
            name="StreamEventsLost",
            expression=above(increase(_LOST, over=10 * MINUTE), 0),
            lasts=0,
            severity="warning",
            component="streams",
            summary="Readers of streams miss events",
            description="{{ $value | humanize }} events were lost in ten minutes: answers have "
            "holes.",
            panel=Target(STREAMS, "losses"),
            signals=(Signal(_LOST, 5, 0),),
            window=10 * MINUTE,
        ),
    )
