"""Tries every alert with promtool: it fires, stays quiet, resolves, bears no data and restarts.

The cases are made from each alert's signals, so that none is copied by hand.
"""

import math
from dataclasses import dataclass
from typing import Any

from outrigger_dashboards.config import DAY, HOUR
from outrigger_dashboards.metrics.catalogue import Catalogue
from outrigger_dashboards.promql.scope import shown_duration
from outrigger_dashboards.rules.model import Alert, Group, Signal
from outrigger_dashboards.rules.prometheus import HEADING, dumped

_WHERE = {"job": "outrigger", "instance": "a:9464"}
_STEPS = ((HOUR, 60.0), (6 * HOUR, 300.0), (DAY, 1200.0))
_LONGEST_STEP = 3600.0
_MARGIN = 6
_PAST = 1000.0
"""What counters have counted long before: a restart throws them back by as much."""


@dataclass(frozen=True, slots=True)
class Phase:
    """So many steps of good, bad or missing values; a restart begins counters anew."""

    kind: str
    steps: int
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """What is put in, and at which steps the alert fires or does not."""

    name: str
    phases: tuple[Phase, ...]
    expected: tuple[tuple[int, bool], ...]


def step_of(alert: Alert) -> float:
    """The seconds between two samples and two evaluations; who looks far back has long ones."""
    return next((step for window, step in _STEPS if alert.window <= window), _LONGEST_STEP)


def cases_of(alert: Alert) -> tuple[Case, ...]:
    """Make the cases of one alert."""
    step = step_of(alert)
    lasting = math.ceil(alert.lasts / step) + _MARGIN
    rise = math.ceil((alert.stays or alert.window + alert.lasts) / step) + lasting
    fall = math.ceil((alert.ends or alert.window) / step) + lasting
    warm = math.ceil(alert.warm_up / step) + (_MARGIN if alert.warm_up else 0) or fall
    bad_at = warm + rise
    good, bad = Phase("good", warm), Phase("bad", rise)
    quiet = alert.always
    return (
        Case("fires", (good, bad), ((warm - 1, quiet), (bad_at - 1, True))),
        Case("stays quiet", (good, Phase("good", rise)), ((bad_at - 1, quiet),)),
        Case(
            "resolves",
            (good, bad, Phase("good", fall)),
            ((bad_at - 1, True), (bad_at + fall - 1, quiet)),
        ),
        Case("bears no data", (), ((rise, alert.without_data),)),
        Case(
            "bears a restart",
            (good, Phase("good", lasting, restart=True)),
            ((warm + 1, quiet), (warm + lasting - 1, quiet)),
        ),
        Case(
            "fires through a restart",
            (good, bad, Phase("bad", _MARGIN, restart=True)),
            ((bad_at + _MARGIN - 1, True),),
        ),
    )


def trials_files(
    alerts: tuple[Alert, ...], groups: tuple[Group, ...], catalogue: Catalogue, rules: str
) -> dict[str, str]:
    """Write the tests of all alerts as promtool reads them: by component and length of a step.

    `rules` is where the rules of a component are, seen from the tests.
    """
    chosen: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        chosen.setdefault((alert.component, shown_duration(step_of(alert))), []).append(alert)
    return {
        f"{component}.{step}.yml": HEADING
        + dumped(
            {
                "rule_files": [rules.format(component)],
                "evaluation_interval": step,
                # Without an order alerts may be evaluated before what they read is recorded.
                "group_eval_order": [
                    group.name for group in groups if group.component == component
                ],
                "tests": [
                    _test(alert, case, catalogue, step) for alert in few for case in cases_of(alert)
                ],
            }
        )
        for (component, step), few in chosen.items()
    }


def _test(alert: Alert, case: Case, catalogue: Catalogue, step: str) -> dict[str, Any]:
    labels = {"severity": alert.severity, "component": alert.component, **alert.extra}
    return {
        "name": f"{alert.full_name} {' '.join(alert.extra.values())} {case.name}".replace(
            "  ", " "
        ),
        "interval": step,
        "input_series": [
            {
                "series": _series(signal),
                "values": values(signal, case.phases, catalogue, step_of(alert)),
            }
            for signal in alert.signals
            if case.phases
        ],
        "promql_expr_test": [
            {
                "expr": _whether_firing(alert, ("alertname", *labels)),
                "eval_time": shown_duration(at * step_of(alert)) if at else "0s",
                "exp_samples": [
                    {"labels": _shown({"alertname": alert.full_name, **labels}), "value": 1}
                ]
                if fires
                else [],
            }
            for at, fires in case.expected
        ],
    }


def _whether_firing(alert: Alert, by: tuple[str, ...]) -> str:
    wanted = {"alertname": alert.full_name, "alertstate": "firing", **alert.extra}
    return f"clamp_max(count by ({', '.join(by)}) (ALERTS{_shown(wanted)}), 1)"


def _series(signal: Signal) -> str:
    return f"{signal.metric}{signal.suffix}{_shown({**_WHERE, **signal.labels})}"


def _shown(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def values(
    signal: Signal, phases: tuple[Phase, ...], catalogue: Catalogue, step_seconds: float
) -> str:
    """Write the values of one series, as promtool reads them."""
    counted = bool(signal.suffix) or catalogue.spec(signal.metric).kind == "counter"
    at = _PAST
    parts = []
    for phase in phases:
        level = signal.bad if phase.kind == "bad" else signal.good
        if not counted:
            lost = "_ " if phase.restart else ""
            parts.append(f"{lost}{level:.12g}x{phase.steps - 1 - bool(lost)}")
            continue
        growth = level * step_seconds / 60
        at = 0.0 if phase.restart else at
        parts.append(f"{at:.12g}+{growth:.12g}x{phase.steps - 1}")
        at += growth * phase.steps
    return " ".join(parts)
