"""Selectors of series: labels and their values are held against the catalogue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from outrigger_dashboards.errors import UnknownName
from outrigger_dashboards.promql.scope import Scope
from outrigger_telemetry.metric_specs import Label, MetricSpec


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression for the values of an open label."""

    words: str
    matches: bool = True


@dataclass(frozen=True, slots=True)
class Not:
    """All values but these."""

    values: tuple[str, ...]


Wanted: TypeAlias = str | tuple[str, ...] | Pattern | Not
Where: TypeAlias = Mapping[str, Wanted]
NOTHING: Where = {}
EVERYWHERE = frozenset({"job", "instance"})
"""Labels that Prometheus gives to whatever it scrapes."""


def selector(scope: Scope, spec: MetricSpec, where: Where, suffix: str = "") -> str:
    """Write `name{matchers}`: those of the scope first, then `where`.

    Raises:
        UnknownName: A label or one of its values is not in the catalogue.
    """
    matchers = [] if spec.name in scope.apart else list(scope.matchers)
    matchers += [
        f"{name}{matcher}"
        for name, matcher in scope.label_matchers.items()
        if name in spec.label_names and name not in where
    ]
    matchers += [
        f"{name}{_matcher(spec, scope.catalogue.label(spec, name), wanted)}"
        for name, wanted in where.items()
    ]
    return f"{spec.name}{suffix}{{{','.join(matchers)}}}"


def _matcher(spec: MetricSpec, label: Label, wanted: Wanted) -> str:
    if isinstance(wanted, Pattern):
        return f'{"=" if wanted.matches else "!"}~"{wanted.words}"'
    values = wanted.values if isinstance(wanted, Not) else wanted
    values = (values,) if isinstance(values, str) else values
    unknown = [value for value in values if not label.is_open and value not in label.values]
    if unknown:
        msg = f"{spec.name}: label {label.name!r} is never {unknown[0]!r}"
        raise UnknownName(msg)
    sign = "!" if isinstance(wanted, Not) else "="
    if len(values) == 1:
        return f'{"!=" if sign == "!" else "="}"{values[0]}"'
    return f'{sign}~"{"|".join(values)}"'


def grouping(scope: Scope, spec: MetricSpec, by: Iterable[str]) -> tuple[str, ...]:
    """Give the labels that an aggregation keeps: the scope's, then `by`.

    Raises:
        UnknownName: The metric has no such label.
    """
    asked = tuple(by)
    for name in asked:
        if name not in EVERYWHERE:
            scope.catalogue.label(spec, name)
    return (*(name for name in scope.group if name not in asked), *asked)


def aggregated(operator: str, labels: tuple[str, ...], inner: str) -> str:
    """Write an aggregation; without labels there is no `by`."""
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"{operator}{by} ({inner})"
