"""What a declaration of a metric is made of: its kind, its labels, its buckets."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Source: TypeAlias = Literal["server", "sidecar", "relay"]
Scope: TypeAlias = Literal["process", "deployment"]
MultiprocessMode: TypeAlias = Literal["livesum", "livemax"]

KIBI = 1024
MEBI = 1024 * KIBI
# Bounds in seconds (SIZE in bytes), without the last one, which is always +Inf.
RUN_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
WAIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
IO_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
TTFT_BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20)
HTTP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
SIZE_BUCKETS = (256, KIBI, 4 * KIBI, 16 * KIBI, 64 * KIBI, 256 * KIBI, MEBI, 4 * MEBI)
LLM_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)
QUEUE_LENGTH_BUCKETS = (1, 2, 3, 5, 10, 20, 50)

MAX_OPEN_VALUES = 100
OVERFLOW_VALUE = "__other__"
UNMATCHED_ROUTE = "__unmatched__"


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a metric: a closed set of values, or open and capped.

    A value outside a closed set becomes `fallback` when there is one (for values that a
    client chooses), and is refused as a programming error when there is none.
    """

    name: str
    values: tuple[str, ...] = ()
    fallback: str | None = None

    @property
    def is_open(self) -> bool:
        """True when any value may come, up to `MAX_OPEN_VALUES` of them."""
        return not self.values


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What a metric is called, what it means, and how it may be labelled."""

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    source: Source = "server"
    scope: Scope = "process"
    multiprocess_mode: MultiprocessMode = "livesum"

    @property
    def family(self) -> str:
        """The name without `_total`, as exposition formats call the family of a counter."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels, in the order of their declaration."""
        return tuple(label.name for label in self.labels)


def counter(name: str, text: str, *labels: Label, source: Source = "server") -> MetricSpec:
    """Declare a counter, whose name ends in `_total`."""
    return MetricSpec(name, "counter", text, labels, source=source)


def histogram(
    name: str,
    text: str,
    buckets: tuple[float, ...],
    *labels: Label,
    source: Source = "server",
) -> MetricSpec:
    """Declare a histogram with these upper bounds."""
    return MetricSpec(name, "histogram", text, labels, buckets, source=source)


def gauge(
    name: str,
    text: str,
    *labels: Label,
    source: Source = "server",
    scope: Scope = "process",
) -> MetricSpec:
    """Declare a gauge. One of scope `deployment` says the same on every sidecar."""
    return MetricSpec(name, "gauge", text, labels, source=source, scope=scope)
