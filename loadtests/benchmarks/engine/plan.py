"""How much is measured: rounds, clients, counts and times, each with its bound."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """How long a closed loop is watched, after `ramp` seconds in which nothing counts.

    It closes when `least_seconds` have passed and `least_runs` have ended; at the latest after
    `most_seconds` or `most_runs`.
    """

    ramp: float
    least_seconds: float
    most_seconds: float
    least_runs: int
    most_runs: int


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often something is done, one after the other, and for how many seconds at most."""

    most: int
    most_seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of one benchmark."""

    rounds: int
    clients: tuple[int, ...]
    warm_up: Window
    window: Window
    null_window: Window
    frames: Repeats
    cuts: Repeats


USUAL = Plan(
    rounds=3,
    clients=(1, 10, 50, 100),
    warm_up=Window(0.0, 0.5, 3.0, 5, 1000),
    window=Window(0.5, 3.0, 8.0, 8, 20_000),
    null_window=Window(0.2, 1.0, 2.0, 100, 100_000),
    frames=Repeats(20, 6.0),
    cuts=Repeats(5, 8.0),
)
QUICK = Plan(
    rounds=1,
    clients=(1, 10, 50, 100),
    warm_up=Window(0.0, 0.1, 2.0, 2, 1000),
    window=Window(0.2, 1.0, 2.0, 5, 20_000),
    null_window=Window(0.1, 0.4, 1.0, 100, 100_000),
    frames=Repeats(5, 2.0),
    cuts=Repeats(1, 3.0),
)
# The concurrency at which servers are compared with the limits without HTTP.
LIMIT_CLIENTS = 50
WARM_UP_CLIENTS = 10
# A request that takes longer has failed.
REQUEST_SECONDS = 30.0
