"""Alertmanager's routes: pages, tickets, the Watchdog, and what silences what."""

from typing import Any

from outrigger_dashboards.config import HOUR, MINUTE, Config
from outrigger_dashboards.promql.scope import shown_duration
from outrigger_dashboards.rules.model import PREFIX
from outrigger_dashboards.rules.prometheus import HEADING, dumped

_CAUSES = (
    ("SidecarDown", ()),
    ("DatabaseDown", ("RedisDown",)),
    ("Down", ("RedisDown",)),
)
"""What explains the rest, the deepest first, and what else each leaves alone."""
_OURS = f'alertname=~"{PREFIX}.*"'


def routes_file(config: Config) -> str:
    """Write the configuration; its receivers have to be filled in."""

    def after(seconds: float) -> str:
        return shown_duration(seconds * config.time_scale)

    document: dict[str, Any] = {
        "route": {
            "receiver": "tickets",
            "group_by": ["alertname", "job"],
            "group_wait": after(MINUTE / 2),
            "group_interval": after(5 * MINUTE),
            "repeat_interval": after(12 * HOUR),
            "routes": [
                {
                    "receiver": "watchdog",
                    "matchers": [f'alertname="{PREFIX}Watchdog"'],
                    "group_wait": "0s",
                    "group_interval": after(MINUTE),
                    "repeat_interval": after(5 * MINUTE),
                },
                {
                    "receiver": "pages",
                    "matchers": ['severity="critical"'],
                    "repeat_interval": after(4 * HOUR),
                },
                {"receiver": "tickets", "matchers": ['severity="warning"']},
            ],
        },
        "inhibit_rules": [
            *_inhibited_by_causes(),
            {
                "source_matchers": ['severity="critical"', _OURS],
                "target_matchers": ['severity="warning"', _OURS],
                "equal": ["job", "component"],
            },
        ],
        "receivers": [{"name": "pages"}, {"name": "tickets"}, {"name": "watchdog"}],
    }
    return HEADING + dumped(document)


def _inhibited_by_causes() -> list[dict[str, Any]]:
    """Let who is paged hear of the cause alone: a server without its database is down, too."""
    rules = []
    for number, (cause, others) in enumerate(_CAUSES):
        deeper = [name for name, _ in _CAUSES[: number + 1]]
        spared = "|".join((*deeper, *others, "Watchdog"))
        rules.append(
            {
                "source_matchers": [f'alertname="{PREFIX}{cause}"'],
                "target_matchers": [_OURS, f'alertname!~"{PREFIX}({spared})"'],
                "equal": ["job"],
            }
        )
    return rules
