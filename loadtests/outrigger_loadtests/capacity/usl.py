"""Fits the Universal Scalability Law to closed stages. Its knee is a heuristic and says so."""

import math
from collections.abc import Sequence

from outrigger_loadtests.report.capacity_json import UslPart

POINTS = 4  # of which a fit of three numbers says anything
_PARAMETERS = 3


def fit(points: Sequence[tuple[int, float]]) -> UslPart | None:
    """Fit users and their throughput; None when there are too few points.

    n / X(n) = a + b (n - 1) + c n (n - 1) is linear: least squares, no number below 0.
    """
    usable = [(users, rate) for users, rate in points if users > 0 and rate > 0]
    if len({users for users, _ in usable}) < POINTS:
        return None
    rows = [(1.0, users - 1.0, users * (users - 1.0)) for users, _ in usable]
    wanted = [users / rate for users, rate in usable]
    base, contention, coherency = _least_squares(rows, wanted)
    if base <= 0:
        return None
    gamma, alpha, beta = 1 / base, contention / base, coherency / base
    knee = math.sqrt((1 - alpha) / beta) if beta > 0 and alpha < 1 else None
    return UslPart(
        gamma=gamma,
        alpha=alpha,
        beta=beta,
        fit=_r_squared(usable, gamma, alpha, beta),
        knee=knee,
        peak=None if knee is None else throughput(knee, gamma, alpha, beta),
    )


def throughput(users: float, gamma: float, alpha: float, beta: float) -> float:
    """Return what the law says of so many users."""
    return gamma * users / (1 + alpha * (users - 1) + beta * users * (users - 1))


def _r_squared(
    points: Sequence[tuple[int, float]], gamma: float, alpha: float, beta: float
) -> float:
    mean = sum(rate for _, rate in points) / len(points)
    total = sum((rate - mean) ** 2 for _, rate in points)
    left = sum((rate - throughput(users, gamma, alpha, beta)) ** 2 for users, rate in points)
    return 1.0 if not total else 1 - left / total


def _least_squares(rows: Sequence[Sequence[float]], wanted: Sequence[float]) -> list[float]:
    """Solve for the columns; one that comes out negative is left out and the rest solved again."""
    used = list(range(_PARAMETERS))
    while True:
        solved = _solve([[row[column] for column in used] for row in rows], wanted)
        negative = [column for column, value in zip(used, solved, strict=True) if value < 0]
        if not negative or len(used) == 1:
            found = dict(zip(used, solved, strict=True))
            return [found.get(column, 0.0) for column in range(_PARAMETERS)]
        used.remove(negative[-1])


def _solve(rows: Sequence[Sequence[float]], wanted: Sequence[float]) -> list[float]:
    """Solve the normal equations by elimination; they are at most three."""
    size = len(rows[0])
    matrix = [
        [sum(row[i] * row[j] for row in rows) for j in range(size)]
        + [sum(row[i] * value for row, value in zip(rows, wanted, strict=True))]
        for i in range(size)
    ]
    for place in range(size):
        pivot = max(range(place, size), key=lambda row: abs(matrix[row][place]))
        matrix[place], matrix[pivot] = matrix[pivot], matrix[place]
        for other in range(size):
            if other != place and matrix[place][place]:
                ratio = matrix[other][place] / matrix[place][place]
                matrix[other] = [
                    mine - ratio * theirs
                    for mine, theirs in zip(matrix[other], matrix[place], strict=True)
                ]
    return [row[size] / row[n] if row[n] else 0.0 for n, row in enumerate(matrix)]
