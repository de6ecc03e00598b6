"""A stage as it is ordered and as it comes back: plain values that travel between processes."""

import msgspec

from outrigger_loadtests.behaviour.profile import Behaviour
from outrigger_loadtests.measures.buckets import Spread

NUMBERS = 10_000_000  # conversations of a stage have numbers of their own
BEFORE = 5_000_000  # the first number of those that began before their stage


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One load to be held for `warm_up` and then `measured` seconds, over all workers.

    `rate` conversations a second begin whatever becomes of them; with `users` instead so many
    people hold one after the other. Conversations are numbered from `first_number`; this worker has
    `share` of `shares` of them. One in `check_every` is read to its end for the checker, none if
    that is 0. `cap`: so many conversations at once and worker; more wait `cap_patience` seconds for
    a place and are then dropped. What has not ended `drain` seconds after the stage is given up.
    `idle` conversations send nothing: the generator looks at itself.
    """

    number: int
    behaviour: Behaviour
    seed: int
    label: str
    probe: str
    first_number: int
    rate: float = 0.0
    users: int = 0
    warm_up: float = 0.0
    measured: float = 10.0
    drain: float = 30.0
    share: int = 0
    shares: int = 1
    check_every: int = 0
    cap: int = 5000
    cap_patience: float = 10.0
    objectives: dict[str, float] = {}
    idle: bool = False

    @property
    def seconds(self) -> float:
        """How long it goes on, without what comes after it."""
        return self.warm_up + self.measured


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a worker is with a stage; conversations, since its beginning.

    `at` is seconds since then, `errors` those of conversations that ended, `send_lag` the p99 since
    the standing before. `latencies` are told and not kept.
    """

    at: float = 0.0
    offered: int = 0
    achieved: int = 0
    in_flight: int = 0
    dropped: int = 0
    errors: int = 0
    send_lag: float = 0.0
    latencies: list[Spread] = []


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one worker's share of a stage.

    `counts` are those of a tally, `latencies` encoded histograms, `send_lag` an encoded one of how
    late arrivals were begun; `cpu` is the share of a core this process used, `waited` how many
    arrivals waited for a place. `checked` are the lines of a history, `unfinished` the threads in
    it that were given up.
    """

    number: int
    arrivals: int
    completed: int
    dropped: int
    waited: int
    in_flight_most: int
    drained: float
    cpu: float
    send_lag: str
    counts: dict[str, int]
    latencies: list[tuple[str, str, str, str]]
    samples: list[Standing]
    checked: bytes
    unfinished: list[str]
