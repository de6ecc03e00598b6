"""Alerts about parts that are gone."""

from outrigger_dashboards.boards.names import SIDECAR, STORES
from outrigger_dashboards.config import MINUTE
from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.expression import above, combined, otherwise, text
from outrigger_dashboards.promql.queries import gauge
from outrigger_dashboards.rules.model import Alert, Signal


def _failed(check: str, name: str, part: str, panel: Target) -> Alert:
    state = {"check": check, "state": "failed"}
    return Alert(
        name=name,
        expression=above(
            gauge("langgraph_health_status", by=["job", "instance"], where=state, how="max"), 0
        ),
        lasts=MINUTE,
        severity="critical",
        component=check,
        summary=f"{part} does not answer",
        description=f"{part} has failed the health check of {{{{ $labels.instance }}}} for a "
        "minute ({{ $value }} = failed).",
        panel=panel,
        signals=(Signal("langgraph_health_status", 1, 0, state),),
    )


def availability_alerts(job: str) -> tuple[Alert, ...]:
    """Make them."""
    nothing = text(f'absent(up{{job=~"{job}"}})', "short")
    return (
        _failed("server", "Down", "The server", Target(SIDECAR, "health")),
        _failed("database", "DatabaseDown", "The database", Target(STORES, "probes")),
        _failed("redis", "RedisDown", "Redis", Target(STORES, "redis")),
        Alert(
            name="SidecarDown",
            expression=otherwise(
                combined(gauge("up", by=["job", "instance"], how="min"), "==", 0), nothing
            ),
            lasts=2 * MINUTE,
            severity="critical",
            component="sidecar",
            summary="A sidecar cannot be scraped: nothing is known of its server",
            description="Prometheus gets no metrics from {{ $labels.instance }} "
            "(up is {{ $value }}; 1 without an instance means that no sidecar is known at all).",
            panel=Target(SIDECAR, "scrapes"),
            signals=(Signal("up", 0, 1),),
            without_data=True,
        ),
    )
