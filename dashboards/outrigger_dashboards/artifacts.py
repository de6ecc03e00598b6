"""Every file that is generated, by its path from the repository: the one place that joins parts."""

from pathlib import Path

from outrigger_dashboards.boards.catalogue import BOARDS
from outrigger_dashboards.config import Config
from outrigger_dashboards.drawing.board import drawn_board, panel_ids, panel_scope
from outrigger_dashboards.errors import WrongUse
from outrigger_dashboards.metrics.catalogue import Catalogue
from outrigger_dashboards.panels import Board
from outrigger_dashboards.provisioning import (
    datasources_file,
    grafana_manifest,
    kustomization_file,
    providers_file,
    rules_manifest,
    runbooks_kustomization_file,
)
from outrigger_dashboards.rules.catalogue import all_alerts, all_groups
from outrigger_dashboards.rules.grafana import grafana_alerts_file
from outrigger_dashboards.rules.model import Alert
from outrigger_dashboards.rules.prometheus import drawn_groups, rule_scope, rules_file
from outrigger_dashboards.rules.routes import routes_file
from outrigger_dashboards.rules.trials import trials_files
from outrigger_dashboards.runbooks import facts, with_facts

GRAFANA = "grafana"
PROMETHEUS = "prometheus"
RULES = f"{PROMETHEUS}/rules"
TRIALS = f"{PROMETHEUS}/tests"
ROUTES = f"{PROMETHEUS}/alertmanager.yml"
GRAFANA_ALERTS = "grafana-alerts/outrigger.yml"


def generated(
    config: Config, catalogue: Catalogue, boards: tuple[Board, ...] = BOARDS
) -> dict[str, str]:
    """Make every generated file: its path below the output folder, and its text.

    Raises:
        BrokenPart: A panel or a rule is wrong; it is named.
    """
    ids = panel_ids(boards)
    scope, rules = panel_scope(catalogue), rule_scope(catalogue, config)
    groups, alerts = all_groups(config), all_alerts(config)
    files = {f"{GRAFANA}/{board.uid}.json": drawn_board(board, scope, ids) for board in boards}
    for component in dict.fromkeys(group.component for group in groups):
        own = tuple(group for group in groups if group.component == component)
        files[f"{RULES}/{component}.yml"] = rules_file(own, rules, config, ids)
    for name, text in trials_files(alerts, groups, catalogue, "../rules/{}.yml").items():
        files[f"{TRIALS}/{name}"] = text
    files[ROUTES] = routes_file(config)
    files[GRAFANA_ALERTS] = grafana_alerts_file(groups, rules, config, ids)
    files["provisioning/datasources/outrigger.yml"] = datasources_file(config.links)
    files["provisioning/dashboards/outrigger.yml"] = providers_file()
    files["kustomization.yaml"] = kustomization_file(board.uid for board in boards)
    files["kubernetes/grafana.yml"] = grafana_manifest()
    drawn = drawn_groups(groups, rules, config, ids)
    files["kubernetes/prometheus-rules.yml"] = rules_manifest(drawn)
    return files


def runbook_pages(
    config: Config, catalogue: Catalogue, folder: Path, boards: tuple[Board, ...] = BOARDS
) -> dict[str, str]:
    """Bring the facts in every runbook up to date; give the pages by file name.

    Raises:
        WrongUse: An alert has no runbook, a runbook no alert, or a page lacks a part.
    """
    scope = rule_scope(catalogue, config)
    by_page: dict[str, list[Alert]] = {}
    for alert in all_alerts(config):
        by_page.setdefault(alert.runbook, []).append(alert)
    there = {path.name for path in folder.glob("Outrigger*.md")}
    if there != by_page.keys():
        missing, orphans = sorted(by_page.keys() - there), sorted(there - by_page.keys())
        msg = f"runbooks missing: {missing or 'none'}; runbooks of no alert: {orphans or 'none'}"
        raise WrongUse(msg)
    pages = {
        name: with_facts(
            (folder / name).read_text(encoding="utf-8"),
            alerts[0].full_name,
            facts(alerts, scope, boards),
        )
        for name, alerts in by_page.items()
    }
    return pages | {"kustomization.yaml": runbooks_kustomization_file(pages)}
