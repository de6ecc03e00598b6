"""Writes groups of rules as Prometheus reads them."""

from collections.abc import Mapping
from typing import Any

import yaml

from outrigger_dashboards.config import Config
from outrigger_dashboards.errors import BrokenPart, DashboardsError, WrongUse
from outrigger_dashboards.metrics.catalogue import Catalogue
from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.scope import Scope, shown_duration
from outrigger_dashboards.rules.model import Alert, Group, Recording

HEADING = "# Made by outrigger-dashboards: change the generator, then run make dashboards.\n"


def rule_scope(catalogue: Catalogue, config: Config) -> Scope:
    """Make the scope of rules: our jobs alone, and the job kept in every result."""
    return Scope(
        catalogue,
        matchers=(f'job=~"{config.job}"',),
        group=("job",),
        window=shown_duration(300 * config.time_scale),
        time_scale=config.time_scale,
    )


def rules_file(
    groups: tuple[Group, ...], scope: Scope, config: Config, ids: Mapping[Target, int]
) -> str:
    """Write a file of rules.

    Raises:
        BrokenPart: An expression or a link is wrong; its rule is named.
    """
    return HEADING + dumped({"groups": drawn_groups(groups, scope, config, ids)})


def drawn_groups(
    groups: tuple[Group, ...], scope: Scope, config: Config, ids: Mapping[Target, int]
) -> list[dict[str, Any]]:
    """Draw groups of rules; raises as `rules_file` does."""
    return [_group(group, scope, config, ids) for group in groups]


def dumped(document: Any) -> str:
    """Write YAML: the same text for the same document, no line broken."""
    text: str = yaml.safe_dump(document, sort_keys=False, width=100_000, allow_unicode=True)
    return text


def _group(group: Group, scope: Scope, config: Config, ids: Mapping[Target, int]) -> dict[str, Any]:
    return {
        "name": group.name,
        "interval": shown_duration(group.seconds),
        "rules": [
            _recording(rule, scope)
            if isinstance(rule, Recording)
            else alert_rule(rule, scope, config, ids)
            for rule in group.rules
        ],
    }


def _recording(rule: Recording, scope: Scope) -> dict[str, Any]:
    try:
        return {"record": rule.name, "expr": rule.expression.draw(scope).text}
    except DashboardsError as error:
        raise BrokenPart(f"rule {rule.name}", error) from error


def alert_rule(
    alert: Alert, scope: Scope, config: Config, ids: Mapping[Target, int]
) -> dict[str, Any]:
    """Write one alert.

    Raises:
        BrokenPart: As for `rules_file`.
    """
    try:
        text = alert.expression.draw(scope).text
        if alert.panel not in ids:
            msg = f"leads to {alert.panel.board}/{alert.panel.panel}, which is not there"
            raise WrongUse(msg)
    except DashboardsError as error:
        raise BrokenPart(f"alert {alert.full_name}", error) from error
    lasts = {"for": shown_duration(alert.lasts * config.time_scale)} if alert.lasts else {}
    return {
        "alert": alert.full_name,
        "expr": text,
        **lasts,
        "labels": {
            "severity": alert.severity,
            "component": alert.component,
            **alert.extra,
        },
        "annotations": annotations(alert, config, ids),
    }


def annotations(alert: Alert, config: Config, ids: Mapping[Target, int]) -> dict[str, str]:
    """Say what it is, and where its runbook and its panel are."""
    view = f"viewPanel={ids[alert.panel]}"
    job = "" if alert.jobless else "&var-job={{ $labels.job }}"
    return {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{config.links.runbooks}/{alert.runbook}",
        "dashboard_url": f"{config.links.grafana}/d/{alert.panel.board}?{view}{job}",
    }
