"""Alerts about pools and about what grows in the databases."""

from outrigger_dashboards.boards.names import STORES
from outrigger_dashboards.config import DAY, HOUR, MINUTE, Limits
from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.expression import BYTES, above, times
from outrigger_dashboards.promql.queries import gauge, summed
from outrigger_dashboards.rules.model import Alert, Signal

_WAITING = "langgraph_db_pool_waiting"
_BYTES = "langgraph_checkpoint_bytes"


def store_alerts(limits: Limits) -> tuple[Alert, ...]:
    """Make them."""
    per_minute = limits.checkpoint_bytes_per_day / 1440
    return (
        Alert(
            name="DatabasePoolExhausted",
            expression=above(gauge(_WAITING, by=["job", "pool"]), 0),
            lasts=5 * MINUTE,
            severity="warning",
            component="database",
            summary="Callers wait for a connection to the database",
            description="{{ $value }} callers have waited for a connection of the pool "
            "{{ $labels.pool }} for five minutes.",
            panel=Target(STORES, "pool-waiting"),
            signals=(Signal(_WAITING, 4, 0, {"pool": "reader"}),),
        ),
        Alert(
            name="CheckpointGrowth",
            expression=above(
                times(summed(_BYTES, over=HOUR), DAY, BYTES), limits.checkpoint_bytes_per_day
            ),
            lasts=30 * MINUTE,
            severity="warning",
            component="database",
            summary="Checkpoints fill the database",
            description="At the rate of the last hour {{ $value | humanize1024 }}B of checkpoints "
            "are stored each day.",
            panel=Target(STORES, "rate"),
            signals=(
                Signal(_BYTES, 2 * per_minute, per_minute / 10, {"backend": "postgres"}, "_sum"),
            ),
            window=HOUR,
        ),
    )
