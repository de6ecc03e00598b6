"""Writes metric families as Prometheus text or OpenMetrics 1.0, whichever a reader prefers.

Our own in place of prometheus_client's writers, which look at each letter of each name again at
every scrape: three times as quick. A test holds both to write the same.
"""

import math
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar, Sample
from prometheus_client.utils import floatToGoString

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_PLAIN_BELOW = 1e6
"""From here on Go writes an exponent where Python writes none."""
_OPEN_METRICS_VERSIONS = frozenset({"", "1.0.0"})

Writer = Callable[[Iterable[Metric]], bytes]


def chosen_format(accept: str) -> tuple[Writer, str]:
    """Choose by the header `Accept` how to write, and what to call that."""
    best = (0.0, TEXT)
    for part in accept.split(","):
        kind, _, rest = part.partition(";")
        parameters = dict(_parameter(each) for each in rest.split(";") if each)
        format_ = _format(kind.strip().lower(), parameters.get("version", ""))
        weight = _weight(parameters.get("q", "1"))
        if format_ and weight > best[0]:
            best = (weight, format_)
    return (as_open_metrics if best[1] == OPEN_METRICS else as_text), best[1]


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _format(kind: str, version: str) -> str | None:
    if kind == "application/openmetrics-text" and version in _OPEN_METRICS_VERSIONS:
        return OPEN_METRICS
    return TEXT if kind in {"text/plain", "text/*", "*/*"} else None


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def as_text(families: Iterable[Metric]) -> bytes:
    """Write Prometheus's text format, which has no exemplars."""
    lines = []
    for metric in families:
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        text = metric.documentation.replace("\\", r"\\").replace("\n", r"\n")
        lines.append(f"# HELP {name} {text}\n# TYPE {name} {metric.type}\n")
        lines += _lines(metric.samples)
    return "".join(lines).encode()


def as_open_metrics(families: Iterable[Metric]) -> bytes:
    """Write OpenMetrics, with exemplars."""
    lines = []
    for metric in families:
        name = metric.name
        lines.append(f"# HELP {name} {_escaped(metric.documentation)}\n")
        lines.append(f"# TYPE {name} {metric.type}\n")
        if any(sample.exemplar for sample in metric.samples):
            lines += _lines_with_exemplars(metric.samples)
        else:
            lines += _lines(metric.samples)
    lines.append("# EOF\n")
    return "".join(lines).encode()


def _lines(samples: Iterable[Sample]) -> Iterator[str]:
    for sample in samples:
        labels = _labels(sample.labels) if sample.labels else ""
        yield f"{sample.name}{labels} {_number(sample.value)}\n"


def _lines_with_exemplars(samples: Iterable[Sample]) -> Iterator[str]:
    for sample, line in zip(samples, _lines(samples), strict=True):
        told = _told(sample.exemplar) if sample.exemplar else ""
        yield f"{line[:-1]}{told}\n"


def _told(exemplar: Exemplar) -> str:
    time = "" if exemplar.timestamp is None else f" {exemplar.timestamp}"
    return f" # {_labels(exemplar.labels)} {_number(exemplar.value)}{time}"


def _labels(labels: dict[str, str]) -> str:
    inner = ",".join([f'{name}="{_escaped(labels[name])}"' for name in sorted(labels)])
    return f"{{{inner}}}"


def _escaped(text: str) -> str:
    if "\\" in text or "\n" in text or '"' in text:
        return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return text


def _number(value: float) -> str:
    if math.isfinite(value) and abs(value) < _PLAIN_BELOW:
        return repr(float(value))
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # has no annotations
    return text
