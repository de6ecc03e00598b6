"""All rules. A new alert is a few lines in the file of its component, and a runbook."""

from outrigger_dashboards.config import Config
from outrigger_dashboards.rules.alerts.api import api_alerts
from outrigger_dashboards.rules.alerts.availability import availability_alerts
from outrigger_dashboards.rules.alerts.models import model_alerts
from outrigger_dashboards.rules.alerts.runs import run_alerts
from outrigger_dashboards.rules.alerts.stores import store_alerts
from outrigger_dashboards.rules.alerts.telemetry import telemetry_alerts
from outrigger_dashboards.rules.model import Alert, Group
from outrigger_dashboards.rules.objectives import burn_alerts, recording_groups


def all_alerts(config: Config) -> tuple[Alert, ...]:
    """Make every alert."""
    limits = config.limits
    return (
        *availability_alerts(config.job),
        *burn_alerts(config),
        *run_alerts(limits),
        *api_alerts(limits),
        *store_alerts(limits),
        *model_alerts(limits),
        *telemetry_alerts(limits),
    )


def all_groups(config: Config) -> tuple[Group, ...]:
    """Make all groups: what is recorded first, then a group of alerts for each component."""
    alerts = all_alerts(config)
    components = dict.fromkeys(alert.component for alert in alerts)
    return (
        *recording_groups(config),
        *(
            Group(
                f"outrigger-{component}",
                config.evaluation_seconds * config.time_scale,
                component,
                tuple(alert for alert in alerts if alert.component == component),
            )
            for component in components
        ),
    )
