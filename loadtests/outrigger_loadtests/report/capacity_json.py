"""The `capacity` part of `verdict.json`: how much a server holds. These classes are its schema.

Moments are seconds since the test began, rates are per second. Latencies are in seconds and come
twice: *corrected* is counted from the moment at which the user wanted it, *uncorrected* from the
moment at which the request left. What a busy generator or a frozen server hides shows in the first
one only.
"""

from enum import StrEnum

import msgspec


class CapacityVerdict(StrEnum):
    """What a capacity test came to."""

    PASS = "pass"  # noqa: S105  a verdict, not a password
    SLO_MISS = "slo_miss"  # no rate held the objectives, or less than was asked for
    FAIL = "fail"  # a promise was broken
    INCONCLUSIVE = "inconclusive"  # the generator could not keep up, or it was stopped too early

    @property
    def words(self) -> str:
        """As people read it: `SLO MISS`."""
        return self.replace("_", " ").upper()


class StageKind(StrEnum):
    """Why a stage was tried."""

    GEOMETRIC = "geometric"  # a step up, or down when already the first one was too much
    BISECTION = "bisection"  # between the last that held and the first that did not
    CLOSED = "closed"  # so many users, each with one conversation after the other


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the document."""


class Objective(_Part, frozen=True):
    """So many percent of an operation must not take longer, counted from the intended moment."""

    operation: str
    percentile: float
    seconds: float


class Percentiles(_Part, frozen=True):
    """How long an operation took, in seconds; all are 0 when nothing was counted."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    p999: float
    max: float


class OperationPart(_Part, frozen=True):
    """One operation with one strategy.

    `operation` is `open` (create the thread), `accept` (the run's create is answered),
    `queue_wait` (from then to the first event), `first_event`, `total` (the run's stream ends) or
    `cut` (from the answer to the newcomer until its victim's stream ends). `queue_wait` and `cut`
    begin with an answer of the server, so both their latencies are the same. `histogram` holds the
    corrected ones in microseconds, HdrHistogram V2, compressed, in base64.
    """

    operation: str
    strategy: str
    count: int
    corrected: Percentiles
    uncorrected: Percentiles
    histogram: str


class GeneratorPart(_Part, frozen=True):
    """How the generator itself did: the worst worker counts.

    `send_lag_p99` is by how much arrivals were begun later than planned, `cpu` the share of a core
    of one process. `kept_up` is whether both are within their limits.
    """

    send_lag_p99: float
    cpu: float
    kept_up: bool


class CostPart(_Part, frozen=True):
    """What a strategy costs at a load.

    `refused_share` of all creates were answered by 409. `wasted_share` of all seconds runs were at
    work went into runs that were cut. `goodput` is runs a second that came whole and within all
    objectives. `drain` is how many seconds the last ones took after the stage's end.
    """

    refused_share: float
    wasted_share: float
    goodput: float
    drain: float


class StagePart(_Part, frozen=True):
    """One load held for a while.

    `offered` is conversations a second that were to begin; `achieved` is that, times the share of
    the runs asked for in the measured time that ended in it. `in_flight` are runs that were sent
    and had not ended: at the beginning of the measured time, at its end, and at most. `dropped`
    are conversations that waited for a place for too long and were never begun. `errors` are
    requests that failed, or were given up; 409 is none.
    `failures` are findings of the checker, verdict FAIL, among `checked` conversations.
    `reasons` say why it did not pass, empty when it did. `users` is 0 but for closed stages.
    """

    number: int
    repeat: int
    kind: StageKind
    began: float
    ended: float
    users: int
    offered: float
    achieved: float
    arrivals: int
    completed: int
    dropped: int
    in_flight_begin: int
    in_flight_end: int
    in_flight_most: int
    requests: int
    errors: int
    checked: int
    failures: int
    passed: bool
    reasons: tuple[str, ...]
    generator: GeneratorPart
    cost: CostPart
    operations: tuple[OperationPart, ...]


class RepeatPart(_Part, frozen=True):
    """One search from beginning to end; `capacity` is null when no rate held."""

    number: int
    seed: int
    capacity: float | None
    stages: tuple[int, ...]


class UslPart(_Part, frozen=True):
    """The Universal Scalability Law, fitted to the closed stages: a heuristic, not a measurement.

    Throughput of n users = gamma n / (1 + alpha (n - 1) + beta n (n - 1)). `knee` is the number of
    users at which the fit says that more of them bring no more, null when it says there is none.
    `peak` is the throughput there. `fit` is R², 1 for a perfect one.
    """

    gamma: float
    alpha: float
    beta: float
    fit: float
    knee: float | None
    peak: float | None


class StrategyPart(_Part, frozen=True):
    """How much a server holds with one strategy.

    `capacity` is the median of the repeats, in conversations a second, from `low` to `high`; null
    when it is not known. `runs` is runs a second at that load. `cost` is that of the highest load
    that held.
    """

    strategy: str
    verdict: CapacityVerdict
    capacity: float | None
    low: float | None
    high: float | None
    runs: float | None
    reason: str
    repeats: tuple[RepeatPart, ...]
    stages: tuple[StagePart, ...]
    usl: UslPart | None
    cost: CostPart | None


class CalibrationPart(_Part, frozen=True):
    """What the generator can do without a server: so many arrivals a second were tried."""

    rate: float
    arrivals: int
    generator: GeneratorPart


class SamplePart(_Part, frozen=True):
    """What happened in one second, for plots; rates over the time since the sample before.

    `offered` and `achieved` are conversations that were to begin and that came to their end.
    `in_flight` are conversations.
    """

    at: float
    offered: float
    achieved: float
    in_flight: int
    dropped: int
    errors: int


class CapacityPart(_Part, frozen=True):
    """A capacity test. `server` is what `/info` says, `workers` how many generators there were.

    `target` is the capacity that was asked for, null when none was.
    """

    verdict: CapacityVerdict
    objectives: tuple[Objective, ...]
    error_budget: float
    target: float | None
    workers: int
    server: dict[str, str]
    calibration: CalibrationPart | None
    strategies: tuple[StrategyPart, ...]
    samples: tuple[SamplePart, ...]
