"""Expressions: drawn late, so that a fault in one is told with the panel's name.

`draw` looks names up in the catalogue and gives the text with what is known of the result: its
unit, its labels, and the metrics behind it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from outrigger_dashboards.errors import WrongUse
from outrigger_dashboards.promql.scope import Scope

COUNT = "short"
PER_SECOND = "ops"
RATIO = "percentunit"
SECONDS = "s"
BYTES = "bytes"
BYTES_PER_SECOND = "Bps"
DOLLARS = "currencyUSD"
SWITCH = "bool_on_off"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn expression."""

    text: str
    unit: str
    labels: frozenset[str] = frozenset()
    metrics: frozenset[str] = frozenset()
    binary: bool = False

    @property
    def operand(self) -> str:
        """The text, in parentheses where it needs them beside an operator."""
        return f"({self.text})" if self.binary else self.text


@dataclass(frozen=True, slots=True)
class Expression:
    """Something that can be drawn in a scope."""

    draw: Callable[[Scope], Drawn]

    def with_unit(self, unit: str) -> "Expression":
        """Say what the result is measured in, when arithmetic has changed it."""
        return Expression(lambda scope: replace(self.draw(scope), unit=unit))


Operand: TypeAlias = Expression | float


def number(value: float) -> Expression:
    """Make a plain number, which takes the unit of what it meets."""
    return Expression(lambda _: Drawn(f"{value:.12g}", ""))


def text(words: str, unit: str, metrics: frozenset[str] = frozenset()) -> Expression:
    """Make an expression of PromQL that names no metric of the catalogue."""
    return Expression(lambda _: Drawn(words, unit, frozenset(), metrics))


def recorded(name: str, unit: str, *labels: str) -> Expression:
    """Read a series that a recording rule makes."""

    def draw(scope: Scope) -> Drawn:
        # A rule keeps the job alone: its series have no instance.
        matchers = ",".join(each for each in scope.matchers if each.startswith("job"))
        return Drawn(
            f"max by ({', '.join(('job', *labels))}) ({name}{{{matchers}}})",
            unit,
            frozenset({"job", *labels}),
            frozenset({name}),
        )

    return Expression(draw)


def combined(left: Operand, operator: str, right: Operand) -> Expression:
    """Put an operator between two expressions; the unit is the left one's."""
    first, second = _expression(left), _expression(right)

    def draw(scope: Scope) -> Drawn:
        one, other = first.draw(scope), second.draw(scope)
        return Drawn(
            f"{one.operand} {operator} {other.operand}",
            one.unit or other.unit,
            one.labels | other.labels,
            one.metrics | other.metrics,
            binary=True,
        )

    return Expression(draw)


def _expression(operand: Operand) -> Expression:
    return operand if isinstance(operand, Expression) else number(operand)


def times(expression: Expression, factor: float, unit: str) -> Expression:
    """Multiply, and say what comes out."""
    return combined(expression, "*", factor).with_unit(unit)


def above(expression: Expression, limit: Operand) -> Expression:
    """Keep what is greater than the limit."""
    return combined(expression, ">", limit)


def both(left: Expression, right: Expression) -> Expression:
    """Keep the left where the right is there, too."""
    return combined(left, "and", right)


def otherwise(left: Expression, right: Operand) -> Expression:
    """Take the right where the left is not there."""
    return combined(left, "or", right)


def ratio(part: Expression, whole: Expression) -> Expression:
    """Divide a part by its whole: 0 when the part has no series yet, nothing when the whole is 0.

    Raises when drawn:
        WrongUse: The two have different labels or units.
    """

    def draw(scope: Scope) -> Drawn:
        one, all_of_it = part.draw(scope), whole.draw(scope)
        if one.labels != all_of_it.labels:
            msg = f"a ratio of {sorted(one.labels)} to {sorted(all_of_it.labels)}"
            raise WrongUse(msg)
        if one.unit != all_of_it.unit:
            msg = f"a ratio of {one.unit!r} to {all_of_it.unit!r}"
            raise WrongUse(msg)
        top, bottom = one.operand, all_of_it.operand
        return Drawn(
            f"({top} or {bottom} * 0) / ({bottom} > 0)",
            RATIO,
            one.labels,
            one.metrics | all_of_it.metrics,
            binary=True,
        )

    return Expression(draw)


def per(amount: Expression, events: Expression, unit: str) -> Expression:
    """Divide an amount by the events it belongs to; as guarded as `ratio`."""

    def draw(scope: Scope) -> Drawn:
        one, count = amount.draw(scope), events.draw(scope)
        if one.labels != count.labels:
            msg = f"an amount by {sorted(one.labels)} per events by {sorted(count.labels)}"
            raise WrongUse(msg)
        return Drawn(
            f"({one.operand} or {count.operand} * 0) / ({count.operand} > 0)",
            unit,
            one.labels,
            one.metrics | count.metrics,
            binary=True,
        )

    return Expression(draw)


def total(*parts: Expression) -> Expression:
    """Add expressions of which some may have no series; those count as 0.

    At least one must be there, else nothing is.
    """

    def draw(scope: Scope) -> Drawn:
        drawn = [part.draw(scope) for part in parts]
        terms = [
            " or ".join(
                [each.operand, *(f"{other.operand} * 0" for other in drawn if other != each)]
            )
            for each in drawn
        ]
        return Drawn(
            " + ".join(f"({term})" for term in terms),
            drawn[0].unit,
            drawn[0].labels,
            frozenset().union(*(each.metrics for each in drawn)),
            binary=True,
        )

    return Expression(draw)


def without(whole: Expression, *parts: Expression) -> Expression:
    """Take parts away that may have no series, and never fall below 0."""

    def draw(scope: Scope) -> Drawn:
        all_of_it = whole.draw(scope)
        drawn = [part.draw(scope) for part in parts]
        rest = " - ".join(
            [all_of_it.operand, *(f"({each.operand} or {all_of_it.operand} * 0)" for each in drawn)]
        )
        return Drawn(
            f"clamp_min({rest}, 0)",
            all_of_it.unit,
            all_of_it.labels,
            all_of_it.metrics.union(*(each.metrics for each in drawn)),
        )

    return Expression(draw)


def top(count: int, expression: Expression) -> Expression:
    """Keep the greatest few."""

    def draw(scope: Scope) -> Drawn:
        drawn = expression.draw(scope)
        return replace(drawn, text=f"topk({count}, {drawn.text})", binary=False)

    return Expression(draw)


def call(function: str, expression: Expression, unit: str, *arguments: str) -> Expression:
    """Apply a function of PromQL to an instant vector."""

    def draw(scope: Scope) -> Drawn:
        drawn = expression.draw(scope)
        inner = ", ".join((drawn.text, *arguments))
        return replace(drawn, text=f"{function}({inner})", unit=unit, binary=False)

    return Expression(draw)
