"""Evaluate arithmetic from untrusted text: + - * / // % ** ^ and brackets, nothing else.

A parser of our own, no `eval`: every length, depth and size is bounded before it is computed.
"""

import math
import operator
import re
from collections.abc import Callable

MAX_CHARACTERS = 200
MAX_DEPTH = 50
MAX_BITS = 1_024
MAX_EXPONENT = 1_000

Number = int | float

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)"
    r"|(?P<operator>\*\*|//|[-+*/%^()]))",
)
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2}


class ExpressionError(Exception):
    """The expression cannot be evaluated; the message says why."""


def evaluate(expression: str) -> str:
    """Return the value of `expression` as text; `^` means `**`.

    Raises:
        ExpressionError: It is no arithmetic, too large, or has no value.
    """
    if len(expression) > MAX_CHARACTERS:
        raise ExpressionError(f"The expression is longer than {MAX_CHARACTERS} characters.")
    tokens = _tokens(expression)
    if not tokens:
        raise ExpressionError("The expression is empty.")
    try:
        parser = _Parser(tokens)
        value = parser.parse_all()
    except ZeroDivisionError:
        raise ExpressionError("Division by zero.") from None
    except OverflowError:
        raise ExpressionError("The result is too large.") from None
    return str(value) if isinstance(value, int) else format(value, ".12g")


def _tokens(expression: str) -> list[str]:
    text = expression.strip()
    tokens: list[str] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ExpressionError(f"{text[position:].strip()[0]!r} is not arithmetic.")
        tokens.append(found[0].strip())
        position = found.end()
    return tokens


class _Parser:
    """Precedence climbing over the tokens; it computes while it reads."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens[::-1]
        self._depth = 0

    def parse_all(self) -> Number:
        value = self._sum(1)
        if self._tokens:
            raise ExpressionError(f"{self._tokens[-1]!r} is in the wrong place.")
        return value

    def _sum(self, lowest: int) -> Number:
        left = self._signed()
        while (sign := self._peek()) in _PRECEDENCE and _PRECEDENCE[sign] >= lowest:
            self._tokens.pop()
            right = self._sum(_PRECEDENCE[sign] + 1)
            left = _checked(_OPERATIONS[sign](left, right))
        return left

    def _signed(self) -> Number:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"The expression nests deeper than {MAX_DEPTH} levels.")
        sign = self._peek()
        if sign in {"+", "-"}:
            self._tokens.pop()
            value = self._signed()
            value = -value if sign == "-" else value
        else:
            value = self._power()
        self._depth -= 1
        return value

    def _power(self) -> Number:
        base = self._atom()
        if self._peek() in {"**", "^"}:
            self._tokens.pop()
            return _checked(_power(base, self._signed()))
        return base

    def _atom(self) -> Number:
        piece = self._tokens.pop() if self._tokens else ""
        if piece == "(":
            value = self._sum(1)
            if self._peek() != ")":
                raise ExpressionError("A closing bracket is missing.")
            self._tokens.pop()
            return value
        if not piece or piece in {*_PRECEDENCE, "**", "^", ")"}:
            raise ExpressionError("A number is missing.")
        return _checked(int(piece) if piece.isdecimal() else float(piece))

    def _peek(self) -> str:
        return self._tokens[-1] if self._tokens else ""


def _divide(left: Number, right: Number) -> Number:
    whole = isinstance(left, int) and isinstance(right, int) and right != 0 and left % right == 0
    return left // right if whole else left / right


def _power(base: Number, exponent: Number) -> Number:
    if abs(exponent) > MAX_EXPONENT:
        raise ExpressionError(f"Exponents beyond {MAX_EXPONENT} are not computed.")
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        if abs(base) > 1 and base.bit_length() * exponent > 2 * MAX_BITS:
            raise ExpressionError("The result is too large.")
        whole: int = base**exponent
        return whole
    result: object = float(base) ** float(exponent)
    if not isinstance(result, float):
        raise ExpressionError("The result is not a real number.")
    return result


def _checked(value: Number) -> Number:
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise ExpressionError("The result is too large.")
    elif not math.isfinite(value):
        raise ExpressionError("The result is too large.")
    return value


_OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "//": operator.floordiv,
    "%": operator.mod,
}
