"""Alerts about what watches: the sidecar, its relay, and the alerts themselves."""

from outrigger_dashboards.boards.names import OVERVIEW, SIDECAR
from outrigger_dashboards.config import MINUTE, Limits
from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.expression import COUNT, above, text
from outrigger_dashboards.promql.queries import appeared, gauge, increase
from outrigger_dashboards.rules.model import Alert, Signal

_SCRAPE = "scrape_duration_seconds"
_OVERFLOW = "langgraph_label_overflow_total"
_OLDEST = "langgraph_relay_spool_oldest_seconds"
_DROPPED = "langgraph_relay_dropped_runs_total"


def telemetry_alerts(limits: Limits) -> tuple[Alert, ...]:
    """Make them."""
    return (*_sidecar_alerts(limits), *_relay_alerts(limits), _watchdog())


def _sidecar_alerts(limits: Limits) -> tuple[Alert, ...]:
    over = 15 * MINUTE
    return (
        Alert(
            name="ScrapeSlow",
            expression=above(
                gauge(_SCRAPE, by=["job", "instance"], how="max"), limits.scrape_seconds
            ),
            lasts=5 * MINUTE,
            severity="warning",
            component="sidecar",
            summary="Scraping a sidecar takes too long",
            description="A scrape of {{ $labels.instance }} takes {{ $value | humanizeDuration }}; "
            "at the limit its metrics are missing.",
            panel=Target(SIDECAR, "scrapes"),
            signals=(Signal(_SCRAPE, 2 * limits.scrape_seconds, 0.05),),
        ),
        Alert(
            name="LabelOverflow",
            expression=above(appeared(_OVERFLOW, ["job", "metric"], over), 0),
            lasts=0,
            severity="warning",
            component="sidecar",
            summary="A label has too many values",
            description="{{ $value | humanize }} observations of {{ $labels.metric }} were put "
            "under __other__ in 15 minutes.",
            panel=Target(SIDECAR, "overflows"),
            signals=(
                Signal(_OVERFLOW, 10, 0, {"metric": "langgraph_runs_created_total"}),
                Signal("up", 1, 1),
            ),
            window=over,
        ),
    )


def _relay_alerts(limits: Limits) -> tuple[Alert, ...]:
    return (
        Alert(
            name="RelayBacklog",
            expression=above(gauge(_OLDEST, how="max"), limits.relay_backlog_seconds),
            lasts=5 * MINUTE,
            severity="warning",
            component="relay",
            summary="Traces do not get upstream",
            description="The oldest trace has waited for {{ $value | humanizeDuration }}.",
            panel=Target(SIDECAR, "spool"),
            signals=(Signal(_OLDEST, 4 * limits.relay_backlog_seconds, 1),),
        ),
        Alert(
            name="RelayDropping",
            expression=above(increase(_DROPPED, over=10 * MINUTE), 0),
            lasts=0,
            severity="warning",
            component="relay",
            summary="Traces are lost on their way upstream",
            description="{{ $value | humanize }} run operations were dropped in ten minutes.",
            panel=Target(SIDECAR, "relayed"),
            signals=(Signal(_DROPPED, 10, 0, {"reason": "spool_full"}),),
            window=10 * MINUTE,
        ),
    )


def _watchdog() -> Alert:
    return Alert(
        name="Watchdog",
        expression=text("vector(1)", COUNT),
        lasts=0,
        severity="none",
        component="alerts",
        summary="Alerts work: this one always fires",
        description="Its value is {{ $value }}. Send it to something that pages when it stops.",
        panel=Target(OVERVIEW, "alerts"),
        signals=(),
        without_data=True,
        jobless=True,
        always=True,
    )
