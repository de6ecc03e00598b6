"""How much is measured: rounds, clients, counts and times, each with its bound."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """How long a closed loop is watched.

    It opens when `ramp` seconds have passed and as many runs have ended as there are clients, and
    closes when `least_seconds` have passed and enough runs have ended. Each wait ends after
    `most_seconds` at the latest.
    """

    ramp: float
    least_seconds: float
    most_seconds: float
    least_runs: int
    least_runs_each: int

    def enough(self, clients: int) -> int:
        """Return how many runs are enough to close."""
        return max(self.least_runs, self.least_runs_each * clients)

    @property
    def longest(self) -> float:
        """The seconds after which it has closed, whatever happens."""
        return self.ramp + 2 * self.most_seconds


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
    # With so many the servers are compared with the limits without HTTP.
    limit_clients: int
    warm_up: Window
    window: Window
    null_window: Window
    frames: Repeats
    cuts: Repeats


USUAL = Plan(
    rounds=3,
    clients=(1, 10, 50, 100),
    limit_clients=50,
    warm_up=Window(0.0, 0.5, 3.0, least_runs=5, least_runs_each=1),
    window=Window(0.5, 2.5, 8.0, least_runs=8, least_runs_each=3),
    null_window=Window(0.2, 1.0, 2.0, least_runs=100, least_runs_each=3),
    frames=Repeats(20, 6.0),
    cuts=Repeats(5, 6.0),
)
QUICK = Plan(
    rounds=1,
    clients=(1, 10, 50),
    limit_clients=50,
    warm_up=Window(0.0, 0.1, 1.5, least_runs=1, least_runs_each=1),
    window=Window(0.1, 0.5, 1.5, least_runs=2, least_runs_each=1),
    null_window=Window(0.1, 0.3, 1.0, least_runs=100, least_runs_each=1),
    frames=Repeats(5, 1.5),
    cuts=Repeats(2, 1.5),
)
WARM_UP_CLIENTS = 10
# A request that takes longer has failed.
REQUEST_SECONDS = 30.0
