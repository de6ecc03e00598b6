"""Objectives, windows and selectors: read from a TOML file, else as shipped.

Everything that a user may want otherwise stands here; boards and rules take it as it is.
"""

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from outrigger_dashboards.errors import WrongConfig

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Objective:
    """What share of events has to be good, over the period.

    Attributes:
        target: The share, such as 0.99.
        threshold_seconds: For latencies: what counts as good; an edge of a bucket.
        minimum_events: Fewer events in the long window than this and no alert fires.
    """

    target: float
    threshold_seconds: float = 0.0
    minimum_events: float = 20.0

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return 1 - self.target


@dataclass(frozen=True, slots=True)
class Objectives:
    """All objectives and the period they are kept over."""

    period_days: float = 30
    run_errors: Objective = Objective(0.99)
    run_latency: Objective = Objective(0.95, threshold_seconds=60)
    first_event: Objective = Objective(0.95, threshold_seconds=2)


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the alerts that are no objectives fire."""

    checkpoint_bytes_per_day: float = 50e9
    cost_factor: float = 3.0
    cost_usd_per_hour: float = 1.0
    http_error_ratio: float = 0.05
    double_text_share: float = 0.5
    double_texts_per_second: float = 1.0
    fenced_writes: float = 10.0
    rate_limited_ratio: float = 0.05
    scrape_seconds: float = 5.0
    relay_backlog_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Links:
    """Where alerts lead: Grafana, and the runbooks, which it serves from its public folder.

    Attributes:
        prometheus: Where Grafana finds Prometheus.
    """

    grafana: str = "http://localhost:3000"
    runbooks: str = "http://localhost:3000/public/outrigger/runbooks"
    prometheus: str = "http://prometheus:9090"


@dataclass(frozen=True, slots=True)
class Config:
    """What the generator is told."""

    job: str = "outrigger.*"
    evaluation_seconds: float = 30.0
    time_scale: float = 1.0
    objectives: Objectives = Objectives()
    limits: Limits = Limits()
    links: Links = Links()


def load_config(path: Path | None) -> Config:
    """Read the file over what is shipped; None is what is shipped.

    Raises:
        WrongConfig: The file cannot be read, or a key or value in it is wrong.
    """
    if path is None:
        return Config()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{path} cannot be read: {error}"
        raise WrongConfig(msg) from error
    config: Config = _filled(Config(), document, "")
    _check(config)
    return config


def _filled(base: Any, given: dict[str, Any], where: str) -> Any:
    """Replace the fields of `base` by those given; tables are for what has fields itself."""
    changes: dict[str, Any] = {}
    known = {field.name for field in fields(base)}
    for key, value in given.items():
        name = f"{where}{key}"
        if key not in known:
            msg = f"{name} is no key; known here: {', '.join(sorted(known))}"
            raise WrongConfig(msg)
        old = getattr(base, key)
        changes[key] = _value(old, value, name)
    return replace(base, **changes)


def _value(old: Any, value: Any, name: str) -> Any:
    if isinstance(old, str):
        if not isinstance(value, str) or not value:
            msg = f"{name} has to be a text"
            raise WrongConfig(msg)
        return value
    if isinstance(old, (int, float)):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            msg = f"{name} has to be a number"
            raise WrongConfig(msg)
        return float(value)
    if not isinstance(value, dict):
        msg = f"{name} has to be a table"
        raise WrongConfig(msg)
    return _filled(old, value, f"{name}.")


def _check(config: Config) -> None:
    goals = config.objectives
    for name in ("run_errors", "run_latency", "first_event"):
        objective: Objective = getattr(goals, name)
        if not 0 < objective.target < 1:
            msg = f"objectives.{name}.target has to be between 0 and 1, such as 0.99"
            raise WrongConfig(msg)
    if goals.period_days <= 0 or config.time_scale <= 0 or config.evaluation_seconds <= 0:
        msg = "period_days, time_scale and evaluation_seconds have to be greater than 0"
        raise WrongConfig(msg)
