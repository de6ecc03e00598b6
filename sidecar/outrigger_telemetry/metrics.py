"""Counts and measures: the writing side of every metric in `metric_specs`.

A server process writes files, so that the sidecar can read them while the process hangs;
the sidecar and tests keep their values in memory. Where the numbers are kept: `metric_cells`.
"""

import itertools
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString
from typing_extensions import override

from outrigger_telemetry.metric_cells import Cell, Cells, FileCells, MemoryCells
from outrigger_telemetry.metric_specs import (
    CATALOGUE,
    LABEL_OVERFLOW_TOTAL,
    MAX_OPEN_VALUES,
    OVERFLOW_VALUE,
    Label,
    MetricSpec,
    Source,
)

LabelValues = tuple[str, ...]
NewCell = Callable[[str, Mapping[str, str]], Cell]
Told = tuple[str, Mapping[str, str], float, Exemplar | None]
"""A sample: suffix, labels beside its series' own, value, and what it may be an example of."""


class _Series:
    """One metric under one set of label values."""

    def add(self, amount: float, exemplar: Exemplar | None = None) -> None:
        msg = "this kind of metric cannot be added to"
        raise ValueError(msg)

    def put(self, value: float) -> None:
        msg = "this kind of metric cannot be set"
        raise ValueError(msg)

    def observe(self, value: float, exemplar: Exemplar | None = None) -> None:
        msg = "this kind of metric takes no observations"
        raise ValueError(msg)

    def read(self) -> float:
        raise NotImplementedError

    def samples(self) -> Iterable[Told]:
        """Give each sample."""
        raise NotImplementedError


class _Counter(_Series):
    def __init__(self, new_cell: NewCell) -> None:
        self._cell = new_cell("_total", {})
        self._exemplar: Exemplar | None = None

    @override
    def add(self, amount: float, exemplar: Exemplar | None = None) -> None:
        if amount < 0:
            msg = "a counter only goes up"
            raise ValueError(msg)
        self._cell.add(amount)
        if exemplar is not None:
            self._exemplar = exemplar

    @override
    def read(self) -> float:
        return self._cell.value

    @override
    def samples(self) -> Iterable[Told]:
        return [("_total", {}, self._cell.value, self._exemplar)]


class _Gauge(_Series):
    def __init__(self, new_cell: NewCell) -> None:
        self._cell = new_cell("", {})

    @override
    def add(self, amount: float, exemplar: Exemplar | None = None) -> None:
        self._cell.add(amount)

    @override
    def put(self, value: float) -> None:
        self._cell.put(value)

    @override
    def read(self) -> float:
        return self._cell.value

    @override
    def samples(self) -> Iterable[Told]:
        return [("", {}, self._cell.value, None)]


class _Histogram(_Series):
    def __init__(self, new_cell: NewCell, buckets: Sequence[float]) -> None:
        self._bounds = [float(bound) for bound in buckets]
        self._edges = [*(format_bound(bound) for bound in self._bounds), "+Inf"]
        self._cells = [new_cell("_bucket", {"le": edge}) for edge in self._edges]
        self._sum = new_cell("_sum", {})
        self._exemplars: dict[str, Exemplar] = {}

    @override
    def observe(self, value: float, exemplar: Exemplar | None = None) -> None:
        place = bisect_left(self._bounds, value)
        self._sum.add(value)
        self._cells[place].add(1)
        if exemplar is not None:
            self._exemplars[self._edges[place]] = exemplar

    @override
    def read(self) -> float:
        return sum(cell.value for cell in self._cells)

    @override
    def samples(self) -> Iterable[Told]:
        total = 0.0
        for edge, cell in zip(self._edges, self._cells, strict=True):
            total += cell.value
            yield "_bucket", {"le": edge}, total, self._exemplars.get(edge)
        yield "_count", {}, total, None
        yield "_sum", {}, self._sum.value, None


class _Family:
    """All series of one metric, and how a caller's labels lead to one of them."""

    def __init__(self, spec: MetricSpec, cells: Cells) -> None:
        self.spec = spec
        self.by_call: dict[tuple[tuple[str, str], ...], _Series] = {}
        self.series: dict[LabelValues, _Series] = {}
        self._cells = cells
        self._seen: dict[str, set[str]] = {
            label.name: set() for label in spec.labels if label.is_open
        }

    def resolve(self, labels: Mapping[str, str]) -> LabelValues:
        """Return the label values to count under; takes no note of new ones.

        Raises:
            ValueError: A label is missing, unknown, or outside its closed set.
        """
        names = self.spec.label_names
        if len(labels) != len(names) or any(name not in labels for name in names):
            msg = f"{self.spec.name} takes the labels {list(names)}, not {sorted(labels)}"
            raise ValueError(msg)
        return tuple(self._admit(label, labels[label.name]) for label in self.spec.labels)

    def ensure(self, values: LabelValues) -> _Series:
        """Return the series of `values`; makes it, and its closed neighbours, when it is new."""
        if values not in self.series:
            for label, value in zip(self.spec.labels, values, strict=True):
                if label.is_open and value != OVERFLOW_VALUE:
                    self._seen[label.name].add(value)
            for combination in self._neighbours(values):
                if combination not in self.series:
                    self.series[combination] = self._make(combination)
        return self.series[values]

    def _neighbours(self, values: LabelValues) -> Iterable[LabelValues]:
        # A histogram is 10 to 20 lines a series: with an open label only what was seen.
        if self._seen and self.spec.kind == "histogram":
            return [values]
        return itertools.product(
            *(
                (value,) if label.is_open else label.values
                for label, value in zip(self.spec.labels, values, strict=True)
            )
        )

    def _admit(self, label: Label, value: str) -> str:
        if label.is_open:
            seen = self._seen[label.name]
            has_room = value in seen or len(seen) < MAX_OPEN_VALUES
            return value if has_room else OVERFLOW_VALUE
        if value in label.values:
            return value
        if label.fallback is not None:
            return label.fallback
        msg = f"{self.spec.name}: {label.name}={value!r} is not one of {list(label.values)}"
        raise ValueError(msg)

    def _make(self, values: LabelValues) -> _Series:
        own = dict(zip(self.spec.label_names, values, strict=True))

        def new_cell(suffix: str, more: Mapping[str, str]) -> Cell:
            return self._cells.new(self.spec, self.spec.family + suffix, {**own, **more})

        match self.spec.kind:
            case "counter":
                return _Counter(new_cell)
            case "gauge":
                return _Gauge(new_cell)
            case "histogram":
                return _Histogram(new_cell, self.spec.buckets)

    def collect(self) -> Metric:
        """Return the present values as a metric family."""
        family = Metric(self.spec.family, self.spec.help, self.spec.kind)
        for values, series in list(self.series.items()):
            own = dict(zip(self.spec.label_names, values, strict=True))
            for suffix, more, value, exemplar in series.samples():
                name = self.spec.family + suffix
                family.add_sample(name, {**own, **more}, value, exemplar=exemplar)
        return family


class Metrics(Collector):
    """Counts, measures and sets the metrics of one process. Safe to use from any thread.

    A metric whose labels are all closed exists at 0 from the start; one with an open label
    from the moment a value of it is first seen.
    """

    def __init__(self, cells: Cells, specs: Iterable[MetricSpec]) -> None:
        self.registry = CollectorRegistry()
        self._cells = cells
        self._lock = threading.RLock()
        self._families: dict[str, _Family] = {}
        for spec in specs:
            self._start_at_zero(spec)
        self.registry.register(self)

    def increment(
        self,
        spec: MetricSpec,
        amount: float = 1.0,
        exemplar: Mapping[str, str] | None = None,
        /,
        **labels: str,
    ) -> None:
        """Add `amount` to a counter.

        An `exemplar`, such as `{"trace_id": ...}`, is shown with the newest value by the
        process that keeps its numbers in memory; metric files hold none.

        Raises:
            ValueError: The labels or the kind do not fit `spec`.
        """
        self._series(spec, labels).add(amount, _exemplar(exemplar, amount))

    def observe(
        self,
        spec: MetricSpec,
        value: float,
        exemplar: Mapping[str, str] | None = None,
        /,
        **labels: str,
    ) -> None:
        """Put `value` into a histogram, in base units; `exemplar` as for `increment`.

        Raises:
            ValueError: The labels or the kind do not fit `spec`.
        """
        self._series(spec, labels).observe(value, _exemplar(exemplar, value))

    def set(self, spec: MetricSpec, value: float, /, **labels: str) -> None:
        """Set a gauge.

        Raises:
            ValueError: The labels or the kind do not fit `spec`.
        """
        self._series(spec, labels).put(value)

    def add(self, spec: MetricSpec, amount: float, /, **labels: str) -> None:
        """Move a gauge up or down by `amount`.

        Raises:
            ValueError: The labels or the kind do not fit `spec`.
        """
        self._series(spec, labels).add(amount)

    def value(self, spec: MetricSpec, /, **labels: str) -> float:
        """Return a counter, a gauge or the count of a histogram, in this process; 0 if unseen."""
        with self._lock:
            family = self._family(spec)
            series = family.series.get(family.resolve(labels))
            return series.read() if series else 0.0

    def beat(self) -> None:
        """Say that the worker of this process is well; the sidecar shows how long ago."""
        self._cells.beat()

    def close(self) -> None:
        """Stop writing; later changes are lost without an error. Safe to call twice."""
        self._cells.close()

    @override
    def collect(self) -> Iterable[Metric]:
        """Give the present values of this process."""
        with self._lock:
            return [family.collect() for family in self._families.values()]

    def describe(self) -> Iterable[Metric]:
        """Give nothing: the registry must not ask for values when we register."""
        return []

    def _series(self, spec: MetricSpec, labels: dict[str, str]) -> _Series:
        call = tuple(labels.items())
        family = self._families.get(spec.name)
        series = family.by_call.get(call) if family else None
        return series or self._bind(spec, labels, call)

    def _bind(
        self, spec: MetricSpec, labels: dict[str, str], call: tuple[tuple[str, str], ...]
    ) -> _Series:
        with self._lock:
            family = self._family(spec)
            values = family.resolve(labels)
            series = family.ensure(values)
            given = tuple(labels[name] for name in spec.label_names)
            if values == given:  # what strangers may choose is not remembered: it has no bound
                family.by_call[call] = series
        if any(value == OVERFLOW_VALUE != was for value, was in zip(values, given, strict=True)):
            self.increment(LABEL_OVERFLOW_TOTAL, metric=spec.name)
        return series

    def _family(self, spec: MetricSpec) -> _Family:
        family = self._families.get(spec.name)
        if family is None:
            family = self._families[spec.name] = _Family(spec, self._cells)
        return family

    def _start_at_zero(self, spec: MetricSpec) -> None:
        family = self._family(spec)
        if all(not label.is_open for label in spec.labels):
            for values in itertools.product(*(label.values for label in spec.labels)):
                family.ensure(values)


def _exemplar(labels: Mapping[str, str] | None, value: float) -> Exemplar | None:
    return None if labels is None else Exemplar(dict(labels), value, time.time())


def open_process_metrics(directory: Path, *, role: str) -> Metrics:
    """Write this process's metrics into `directory`, which is made (0700) when missing.

    Call it after the last fork. `role` is what the process is: server, worker.
    """
    cells = FileCells(directory, role=role)
    metrics = Metrics(cells, specs_of("server"))
    cells.may_lose()  # a disk that fills up later costs samples, not requests
    return metrics


def local_metrics(specs: Iterable[MetricSpec] = CATALOGUE) -> Metrics:
    """Keep metrics in memory; `.registry` shows them."""
    return Metrics(MemoryCells(), specs)


def format_bound(bound: float) -> str:
    """Write a bucket bound the way Prometheus shows it: 1.0, 0.25, 1.048576e+06."""
    text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]  # has no annotations
    return text


def specs_of(source: Source) -> tuple[MetricSpec, ...]:
    """Return the metrics that `source` writes."""
    return tuple(spec for spec in CATALOGUE if spec.source == source)
