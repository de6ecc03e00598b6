"""The same alerts for those who let Grafana evaluate them, as its provisioning reads them.

Only for systems without Alertmanager: with both, everything would be told twice.
"""

from collections.abc import Mapping
from typing import Any

from outrigger_dashboards.config import Config
from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.scope import Scope, shown_duration
from outrigger_dashboards.rules.model import Alert, Group
from outrigger_dashboards.rules.prometheus import HEADING, annotations, dumped

DATASOURCE = "outrigger-prometheus"
FOLDER = "Outrigger"
_UID_LENGTH = 40


def grafana_alerts_file(
    groups: tuple[Group, ...], scope: Scope, config: Config, ids: Mapping[Target, int]
) -> str:
    """Write the provisioning file."""
    document = {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group.name,
                "folder": FOLDER,
                "interval": "1m",
                "rules": [
                    _rule(rule, scope, config, ids)
                    for rule in group.rules
                    if isinstance(rule, Alert)
                ],
            }
            for group in groups
            if any(isinstance(rule, Alert) for rule in group.rules)
        ],
    }
    return HEADING + dumped(document)


def _rule(alert: Alert, scope: Scope, config: Config, ids: Mapping[Target, int]) -> dict[str, Any]:
    window = "".join(alert.extra.values())
    shown = {
        key: text.replace("$value", "$values.A.Value")
        for key, text in annotations(alert, config, ids).items()
    }
    return {
        "uid": f"{alert.full_name}{window}".lower()[:_UID_LENGTH],
        "title": f"{alert.full_name} {window}".strip(),
        "condition": "B",
        "data": [
            {
                "refId": "A",
                "relativeTimeRange": {"from": 600, "to": 0},
                "datasourceUid": DATASOURCE,
                "model": {
                    "refId": "A",
                    "expr": alert.expression.draw(scope).text,
                    "instant": True,
                    "range": False,
                },
            },
            # What is there fires, also with the value 0, as in Prometheus.
            {
                "refId": "B",
                "datasourceUid": "__expr__",
                "model": {"refId": "B", "type": "math", "expression": "is_number($A)"},
            },
        ],
        "for": shown_duration(alert.lasts) if alert.lasts else "0s",
        "noDataState": "OK",
        "execErrState": "Error",
        "labels": {"severity": alert.severity, "component": alert.component, **alert.extra},
        "annotations": shown
        | {"__dashboardUid__": alert.panel.board, "__panelId__": str(ids[alert.panel])},
    }
