"""The questions that panels and rules ask of one metric."""

from collections.abc import Sequence

from outrigger_dashboards.errors import WrongUse
from outrigger_dashboards.promql.expression import (
    BYTES,
    BYTES_PER_SECOND,
    COUNT,
    DOLLARS,
    PER_SECOND,
    RATIO,
    SECONDS,
    Drawn,
    Expression,
    ratio,
)
from outrigger_dashboards.promql.scope import Scope
from outrigger_dashboards.promql.selector import (
    NOTHING,
    Pattern,
    Where,
    aggregated,
    grouping,
    selector,
)
from outrigger_telemetry.metric_specs import MetricSpec

_AMOUNTS = {"_seconds": SECONDS, "_bytes": BYTES, "_usd": DOLLARS}
_PER_SECOND = {SECONDS: SECONDS, BYTES: BYTES_PER_SECOND, DOLLARS: DOLLARS}


def unit_of(spec: MetricSpec) -> str:
    """Say what the metric's value is measured in, which its name tells."""
    stem = spec.name.removesuffix("_total")
    return next((unit for end, unit in _AMOUNTS.items() if stem.endswith(end)), COUNT)


def rate(
    name: str, by: Sequence[str] = (), where: Where = NOTHING, over: float | None = None
) -> Expression:
    """How fast a counter grows, per second."""
    return _grown("rate", name, "", by, where, over)


def increase(
    name: str, by: Sequence[str] = (), where: Where = NOTHING, over: float | None = None
) -> Expression:
    """By how much a counter grew."""
    return _grown("increase", name, "", by, where, over)


def observed(
    name: str, by: Sequence[str] = (), where: Where = NOTHING, over: float | None = None
) -> Expression:
    """How many observations of a histogram there are, per second."""
    return _grown("rate", name, "_count", by, where, over)


def observations(
    name: str, by: Sequence[str] = (), where: Where = NOTHING, over: float | None = None
) -> Expression:
    """How many observations of a histogram there were."""
    return _grown("increase", name, "_count", by, where, over)


def summed(
    name: str, by: Sequence[str] = (), where: Where = NOTHING, over: float | None = None
) -> Expression:
    """How fast the sum of a histogram's observations grows, per second."""
    return _grown("rate", name, "_sum", by, where, over)


def _grown(
    function: str, name: str, suffix: str, by: Sequence[str], where: Where, over: float | None
) -> Expression:
    def draw(scope: Scope) -> Drawn:
        spec = scope.catalogue.spec(name)
        _must_be(spec, "histogram" if suffix else "counter")
        labels = grouping(scope, spec, by)
        inner = f"{function}({selector(scope, spec, where, suffix)}[{scope.range(over)}])"
        unit = COUNT if suffix == "_count" else unit_of(spec)
        if function == "rate":
            unit = _PER_SECOND.get(unit, PER_SECOND)
        return _drawn(spec, aggregated("sum", labels, inner), unit, labels)

    return Expression(draw)


def quantile(share: float, name: str, by: Sequence[str] = (), where: Where = NOTHING) -> Expression:
    """The value below which this share of the observations lies; `le` is always kept."""

    def draw(scope: Scope) -> Drawn:
        spec = scope.catalogue.spec(name)
        _must_be(spec, "histogram")
        labels = grouping(scope, spec, by)
        inner = f"rate({selector(scope, spec, where, '_bucket')}[{scope.range(None)}])"
        text = f"histogram_quantile({share:g}, {aggregated('sum', ('le', *labels), inner)}) >= 0"
        return Drawn(text, unit_of(spec), frozenset(labels), frozenset({name}), binary=True)

    return Expression(draw)


def mean(name: str, by: Sequence[str] = (), where: Where = NOTHING) -> Expression:
    """The mean of the observations."""

    def draw(scope: Scope) -> Drawn:
        amount, events = summed(name, by, where).draw(scope), observed(name, by, where).draw(scope)
        text = f"{amount.text} / ({events.text} > 0)"
        unit = unit_of(scope.catalogue.spec(name))
        return Drawn(text, unit, amount.labels, amount.metrics, binary=True)

    return Expression(draw)


def within(
    bound: float,
    name: str,
    by: Sequence[str] = (),
    where: Where = NOTHING,
    over: float | None = None,
) -> Expression:
    """The share of observations that are at most `bound`, which is an edge of a bucket."""
    return ratio(below(bound, name, by, where, over), observed(name, by, where, over))


def below(
    bound: float,
    name: str,
    by: Sequence[str] = (),
    where: Where = NOTHING,
    over: float | None = None,
) -> Expression:
    """How many observations per second are at most `bound`, which is an edge of a bucket."""

    def draw(scope: Scope) -> Drawn:
        spec = scope.catalogue.spec(name)
        _must_be(spec, "histogram")
        if bound not in spec.buckets:
            edges = ", ".join(f"{edge:g}" for edge in spec.buckets)
            msg = f"{bound:g} is no edge of a bucket of {name}; these are: {edges}"
            raise WrongUse(msg)
        labels = grouping(scope, spec, by)
        chosen = selector(scope, spec, where, "_bucket")
        chosen = f'{chosen[:-1]}{"" if chosen.endswith("{}") else ","}le=~"{edge_pattern(bound)}"}}'
        inner = f"rate({chosen}[{scope.range(over)}])"
        return _drawn(spec, aggregated("sum", labels, inner), PER_SECOND, labels)

    return Expression(draw)


def edge_pattern(bound: float) -> str:
    """Match the label of an edge whether it is written `30` or `30.0`."""
    text = f"{bound:g}"
    return f"{text}(\\\\.0)?" if "." not in text else text.replace(".", "\\\\.")


def buckets(name: str, where: Where = NOTHING) -> Expression:
    """How many observations fell into each bucket: for heatmaps."""

    def draw(scope: Scope) -> Drawn:
        spec = scope.catalogue.spec(name)
        _must_be(spec, "histogram")
        inner = f"increase({selector(scope, spec, where, '_bucket')}[{scope.range(None)}])"
        return _drawn(spec, aggregated("sum", ("le",), inner), COUNT, ("le",))

    return Expression(draw)


def gauge(name: str, by: Sequence[str] = (), where: Where = NOTHING, how: str = "") -> Expression:
    """The value of a gauge: added up over processes, or the greatest for a whole deployment.

    What every sidecar reads from the same database is never added up.
    """

    def draw(scope: Scope) -> Drawn:
        spec = scope.catalogue.spec(name)
        _must_be(spec, "gauge")
        usual = "max" if spec.scope == "deployment" else "sum"
        chosen = how or usual
        if chosen == "sum" and spec.scope == "deployment":
            msg = f"{name} tells of the whole deployment: a sum counts it once for each sidecar"
            raise WrongUse(msg)
        labels = grouping(scope, spec, by)
        text = aggregated(chosen, labels, selector(scope, spec, where))
        unit = COUNT if chosen == "count" else unit_of(spec)
        return _drawn(spec, text, unit, labels)

    return Expression(draw)


def forecast(name: str, ahead: float, by: Sequence[str] = (), past: float = 3600) -> Expression:
    """What a gauge will be `ahead` seconds from now if it goes on as in the last `past` seconds."""

    def draw(scope: Scope) -> Drawn:
        spec = scope.catalogue.spec(name)
        _must_be(spec, "gauge")
        labels = grouping(scope, spec, by)
        how = "max" if spec.scope == "deployment" else "sum"
        chosen = f"{selector(scope, spec, NOTHING)}[{scope.range(past)}]"
        text = f"clamp_min({aggregated(how, labels, f'predict_linear({chosen}, {ahead:g})')}, 0)"
        return _drawn(spec, text, unit_of(spec), labels)

    return Expression(draw)


def firing(by: Sequence[str] = ()) -> Expression:
    """How many of our alerts fire, the Watchdog not counted; alerts have no instance."""

    def draw(scope: Scope) -> Drawn:
        spec = scope.catalogue.spec("ALERTS")
        where: Where = {
            "alertstate": "firing",
            "alertname": Pattern("Outrigger.*"),
        }
        labels = grouping(Scope(scope.catalogue), spec, by)
        chosen = selector(Scope(scope.catalogue), spec, where)[:-1]
        text = aggregated("count", labels, f'{chosen},alertname!="OutriggerWatchdog"}}')
        return _drawn(spec, text, COUNT, labels)

    return Expression(draw)


def appeared(name: str, by: Sequence[str], over: float, where: Where = NOTHING) -> Expression:
    """By how much a counter grew, also when its series is new, as those of open labels are.

    A series that was not there at the beginning of the range counts from 0, if the sidecar was
    scraped then at all.
    """

    def draw(scope: Scope) -> Drawn:
        spec = scope.catalogue.spec(name)
        _must_be(spec, "counter")
        labels = grouping(scope, spec, by)
        chosen, up = selector(scope, spec, where), selector(scope, scope.catalogue.spec("up"), {})
        past = scope.range(over)
        old = aggregated("sum", labels, f"increase({chosen}[{past}])")
        fresh = (
            f"({chosen} unless {chosen} offset {past}) and on (job, instance) {up} offset {past}"
        )
        new = aggregated("sum", labels, fresh)
        return _drawn(spec, f"{new} or {old}", unit_of(spec), labels, binary=True)

    return Expression(draw)


def before(name: str, ago: float, by: Sequence[str] = ()) -> Expression:
    """The value of a counter some time ago; nothing when it was not there."""

    def draw(scope: Scope) -> Drawn:
        spec = scope.catalogue.spec(name)
        _must_be(spec, "counter")
        labels = grouping(scope, spec, by)
        chosen = f"{selector(scope, spec, NOTHING)} offset {scope.range(ago)}"
        return _drawn(spec, aggregated("sum", labels, chosen), unit_of(spec), labels)

    return Expression(draw)


def _must_be(spec: MetricSpec, kind: str) -> None:
    if spec.kind != kind:
        msg = f"{spec.name} is a {spec.kind}, not a {kind}"
        raise WrongUse(msg)


def _drawn(
    spec: MetricSpec, text: str, unit: str, labels: Sequence[str], *, binary: bool = False
) -> Drawn:
    return Drawn(text, unit, frozenset(labels), frozenset({spec.name}), binary=binary)


__all__ = [
    "RATIO",
    "appeared",
    "before",
    "below",
    "buckets",
    "firing",
    "forecast",
    "gauge",
    "increase",
    "mean",
    "observations",
    "observed",
    "quantile",
    "rate",
    "summed",
    "unit_of",
    "within",
]
