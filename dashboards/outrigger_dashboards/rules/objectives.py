"""Objectives: recording rules of how fast each budget burns, and alerts at four speeds.

An alert needs a long window, so that it is no blip, and a short one, so that it ends soon after
the trouble has.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from outrigger_dashboards.boards.names import OVERVIEW
from outrigger_dashboards.config import DAY, HOUR, MINUTE, Config, Objective
from outrigger_dashboards.errors import WrongConfig
from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.expression import (
    COUNT,
    RATIO,
    Expression,
    both,
    combined,
    number,
    ratio,
    recorded,
)
from outrigger_dashboards.promql.queries import increase, observations, rate, within
from outrigger_dashboards.promql.scope import shown_duration
from outrigger_dashboards.promql.selector import Where
from outrigger_dashboards.rules.model import Alert, Group, Recording, Severity, Signal

_JUDGED: Where = {"outcome": ("success", "error", "timeout")}
_FAILED: Where = {"outcome": ("error", "timeout")}
_SUCCEEDED: Where = {"outcome": "success"}
_FINISHED = "langgraph_runs_finished_total"
_DURATION = "langgraph_run_duration_seconds"
_FIRST = "langgraph_stream_first_event_seconds"


@dataclass(frozen=True, slots=True)
class Speed:
    """One speed of burning: over both windows at least `factor` for at least `lasts` seconds."""

    factor: float
    long: float
    short: float
    lasts: float
    severity: Severity


SPEEDS = (
    Speed(14.4, HOUR, 5 * MINUTE, 2 * MINUTE, "critical"),
    Speed(6, 6 * HOUR, 30 * MINUTE, 15 * MINUTE, "critical"),
    Speed(3, DAY, 2 * HOUR, HOUR, "warning"),
    Speed(1, 3 * DAY, 6 * HOUR, 3 * HOUR, "warning"),
)
WINDOWS = tuple(sorted({window for speed in SPEEDS for window in (speed.long, speed.short)}))


@dataclass(frozen=True, slots=True)
class Indicator:
    """What an objective is about."""

    key: str
    alert: str
    title: str
    objective: Objective

    def bad_ratio(self, over: float) -> Expression:
        """The share of events that were not good."""
        if self.key == "run_errors":
            return ratio(
                rate(_FINISHED, where=_FAILED, over=over), rate(_FINISHED, where=_JUDGED, over=over)
            )
        bound = self.objective.threshold_seconds
        name, where = (_DURATION, _SUCCEEDED) if self.key == "run_latency" else (_FIRST, {})
        return combined(number(1), "-", within(bound, name, where=where, over=over))

    def events(self, over: float) -> Expression:
        """How many events there were."""
        if self.key == "run_errors":
            return increase(_FINISHED, where=_JUDGED, over=over)
        if self.key == "run_latency":
            return observations(_DURATION, where=_SUCCEEDED, over=over)
        return observations(_FIRST, over=over)

    def signals(self) -> tuple[Signal, ...]:
        """Series of 60 events a minute, all of them bad or all of them good."""
        run = {"assistant": "a", "multitask_strategy": "enqueue"}
        if self.key == "run_errors":
            return (
                Signal(_FINISHED, 60, 0, {**run, "outcome": "error"}),
                Signal(_FINISHED, 0, 60, {**run, "outcome": "success"}),
            )
        bound = f"{float(self.objective.threshold_seconds)}"
        name, labels = (
            (_DURATION, {**run, "outcome": "success"})
            if self.key == "run_latency"
            else (_FIRST, {"assistant": "a", "mode": "values"})
        )
        return (
            Signal(name, 60, 60, labels, suffix="_count"),
            Signal(name, 0, 60, {**labels, "le": bound}, suffix="_bucket"),
        )


def indicators(config: Config) -> tuple[Indicator, ...]:
    """Give everything that has an objective."""
    goals = config.objectives
    return (
        Indicator("run_errors", "RunErrorBudgetBurn", "runs that fail", goals.run_errors),
        Indicator("run_latency", "RunLatencyBudgetBurn", "slow runs", goals.run_latency),
        Indicator(
            "first_event", "FirstEventBudgetBurn", "streams that begin late", goals.first_event
        ),
    )


def burn_name(key: str, window: float) -> str:
    """Name the series of how fast a budget burns; tests run faster, the name stays."""
    return f"job:langgraph_{key}:burn_rate{shown_duration(window)}"


def recording_groups(config: Config) -> tuple[Group, ...]:
    """Make the recording rules of all objectives; a look at the whole period comes seldom."""
    every = config.evaluation_seconds * config.time_scale
    period = config.objectives.period_days * DAY
    groups: list[Group] = []
    for each in indicators(config):
        groups.append(
            Group(f"outrigger-{each.key}-burn", every, each.key, tuple(_recordings(each)))
        )
        left = (_budget_left(each, period),)
        groups.append(Group(f"outrigger-{each.key}-budget", 10 * every, each.key, left))
    return tuple(groups)


def _recordings(indicator: Indicator) -> Iterator[Recording]:
    budget = indicator.objective.budget
    for window in WINDOWS:
        burn = combined(indicator.bad_ratio(window), "/", budget)
        yield Recording(burn_name(indicator.key, window), burn.with_unit(COUNT))
    for speed in SPEEDS:
        name = f"job:langgraph_{indicator.key}:events_increase{shown_duration(speed.long)}"
        yield Recording(name, indicator.events(speed.long))


def _budget_left(indicator: Indicator, period: float) -> Recording:
    burnt = combined(indicator.bad_ratio(period), "/", indicator.objective.budget)
    return Recording(
        f"job:langgraph_{indicator.key}:budget_left_ratio",
        combined(number(1), "-", burnt).with_unit(RATIO),
    )


def burn_alerts(config: Config) -> tuple[Alert, ...]:
    """Make the alerts of all objectives.

    Raises:
        WrongConfig: A budget is so large that an alert could never fire.
    """
    return tuple(_alert(each, speed) for each in indicators(config) for speed in SPEEDS)


def _alert(indicator: Indicator, speed: Speed) -> Alert:
    if speed.factor * indicator.objective.budget >= 1:
        msg = (
            f"objectives.{indicator.key}.target is too low: even if every event were bad, its "
            f"budget would burn less than {speed.factor:g} times too fast"
        )
        raise WrongConfig(msg)
    long, short = shown_duration(speed.long), shown_duration(speed.short)
    fast = [
        combined(recorded(burn_name(indicator.key, window), COUNT), ">", speed.factor)
        for window in (speed.long, speed.short)
    ]
    events = recorded(f"job:langgraph_{indicator.key}:events_increase{long}", COUNT)
    enough = combined(events, ">=", indicator.objective.minimum_events)
    return Alert(
        name=indicator.alert,
        expression=both(both(fast[0], fast[1]), enough),
        lasts=speed.lasts,
        severity=speed.severity,
        component=indicator.key,
        summary=f"Too many {indicator.title}: the budget burns {speed.factor:g} times too fast",
        description=(
            f"Over {long} and over {short} the budget of {indicator.title} burns "
            "{{ $value | humanize }} times as fast as the objective allows."
        ),
        panel=Target(OVERVIEW, "burn"),
        signals=indicator.signals(),
        window=speed.long,
        stays=speed.factor * indicator.objective.budget * speed.long + speed.lasts,
        ends=speed.short,
        extra={"window": long},
    )
