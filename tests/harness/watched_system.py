"""A whole system with Prometheus and Alertmanager: is a fault seen, told, and told to be over?

Rules run sixty times as fast as they are shipped.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.busy_system import BusySystem, started_system
from harness.live_expressions import asked_live
from harness.postgres import PostgresServer
from harness.prometheus import (
    Alertmanager,
    Prometheus,
    quick_config,
    started_alertmanager,
    started_prometheus,
)
from harness.redis import RedisServer
from outrigger_dashboards.boards.catalogue import BOARDS
from outrigger_dashboards.drawing.board import panel_scope
from outrigger_dashboards.metrics.catalogue import full_catalogue
from outrigger_dashboards.rules.catalogue import all_alerts

CONFIG = quick_config(relay_backlog_seconds=2.0)
JOB = "outrigger"
RECEIVERS = {"critical": "pages", "warning": "tickets"}


@dataclass
class WatchedSystem:
    """What tests of faults harm, and what they look at."""

    system: BusySystem
    prometheus: Prometheus
    alertmanager: Alertmanager

    def panel(self, board: str, key: str) -> float:
        """The greatest value that a panel shows now; 0 when it shows none."""
        (panel,) = [
            panel
            for each in BOARDS
            if each.uid == board
            for panel in each.panels()
            if panel.key == key
        ]
        text = panel.queries[0].expression.draw(panel_scope(full_catalogue())).text
        return self.prometheus.value(asked_live(text, rate_interval="6s")) or 0.0

    def wait_until_panel(self, board: str, key: str, low: float, high: float) -> None:
        """Return once a panel shows something between these."""
        self.prometheus.wait_for(
            lambda: low <= self.panel(board, key) <= high,
            f"waited for {board}/{key} to be from {low:g} to {high:g}",
        )

    def wait_until_told(self, alert: str, status: str) -> None:
        """Return once whoever has to know of an alert was told: `firing` or `resolved`."""
        severities = {each.severity for each in all_alerts(CONFIG) if each.full_name == alert}
        wanted = {RECEIVERS[each] for each in severities}
        self.prometheus.wait_for(
            lambda: self.alertmanager.told(alert, status) == wanted,
            f"waited for {sorted(wanted)} to be told that {alert} is {status}",
        )

    def wait_until_quiet(self, *but: str) -> None:
        """Return once nothing fires but the Watchdog and these."""
        allowed = {"OutriggerWatchdog", *but}
        self.prometheus.wait_for(
            lambda: (
                self.prometheus.firing() <= allowed
                and "OutriggerWatchdog" in self.prometheus.firing()
            ),
            "waited for silence",
        )


@contextmanager
def started_watched_system(
    folder: Path, postgres: PostgresServer, redis: RedisServer, **settings: str
) -> Iterator[WatchedSystem]:
    """Run all of it until the block ends."""
    with ExitStack() as stack:
        system = stack.enter_context(started_system(folder, postgres, redis, **settings))
        alertmanager = stack.enter_context(started_alertmanager(CONFIG))
        prometheus = stack.enter_context(
            started_prometheus(
                {JOB: [system.server.sidecar_url]}, config=CONFIG, alertmanager=alertmanager.url
            )
        )
        watched = WatchedSystem(system, prometheus, alertmanager)
        watched.wait_until_quiet()
        yield watched
