"""Rules as values: what is recorded, what fires, and by which series each alert is tried."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.expression import Expression

PREFIX = "Outrigger"
Severity = Literal["critical", "warning", "none"]


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that Prometheus computes; its name is `level:metric:operations`."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Signal:
    """A series by which an alert is tried: a value for gauges, growth per minute for the rest."""

    metric: str
    bad: float
    good: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person has to know.

    Attributes:
        lasts: Seconds for which it has to be so before it fires.
        window: Seconds that the longest range in its expression looks back.
        panel: Where to look first.
        signals: Series that make it fire, and that keep it quiet.
        warm_up: Seconds of good data that it needs before it can fire at all.
        stays: Seconds of bad data after which it fires, if not a window and `lasts`.
        ends: Seconds of good data after which it has resolved, if not a window.
        without_data: Fires when there is nothing at all.
        extra: Labels that tell apart alerts of one name.
        jobless: Its series have no job.
        always: Never resolves.
    """

    name: str
    expression: Expression
    lasts: float
    severity: Severity
    component: str
    summary: str
    description: str
    panel: Target
    signals: tuple[Signal, ...]
    window: float = 300.0
    warm_up: float = 0.0
    stays: float = 0.0
    ends: float = 0.0
    without_data: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)
    jobless: bool = False
    always: bool = False

    @property
    def full_name(self) -> str:
        """The name by which Prometheus and people know it."""
        return PREFIX + self.name

    @property
    def runbook(self) -> str:
        """The file of its runbook."""
        return f"{self.full_name}.md"


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, every so many seconds; a file for each component."""

    name: str
    seconds: float
    component: str
    rules: tuple[Recording | Alert, ...]
