"""What a behaviour profile says.

These classes are the form of its TOML file: unknown names are refused, every one has a default, all
times are seconds.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Weight = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
_Spread = Annotated[float, msgspec.Meta(ge=0, le=3)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=100)]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class Process(StrEnum):
    """How arrivals follow one another."""

    POISSON = "poisson"
    GAMMA = "gamma"


class Arrivals(_Table, frozen=True):
    """When conversations begin. With `gamma` a `shape` above 1 is more even than Poisson's."""

    process: Process = Process.POISSON
    shape: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 1.0


class Think(_Table, frozen=True):
    """How long people think before their next turn: lognormal, with this median."""

    median: _Seconds = 4.0
    sigma: _Spread = 0.8


class Conversation(_Table, frozen=True):
    """How long a conversation is and how its runs work.

    `runs`: how many it sends at least and at most. `seconds`: how long a run of a probe graph
    works, at least and at most.
    """

    runs: tuple[_Count, _Count] = (3, 4)
    seconds: tuple[_Seconds, _Seconds] = (0.1, 0.5)
    think: Think = Think()


class Mix(_Table, frozen=True):
    """How often people do what, as weights against each other."""

    single: _Weight = 0.0
    follow_up: _Weight = 0.0
    double_click: _Weight = 0.0
    impatience: _Weight = 0.0
    stop: _Weight = 0.0
    storm: _Weight = 0.0
    drip: _Weight = 0.0


class FollowUp(_Table, frozen=True):
    """A second message some time after the first, whether it was answered or not: lognormal."""

    median: _Seconds = 2.5
    sigma: _Spread = 0.8


class DoubleClick(_Table, frozen=True):
    """The same once more, so soon."""

    least: _Seconds = 0.05
    most: _Seconds = 0.3


class Impatience(_Table, frozen=True):
    """The same once more when nothing came for so long: exponential, with this mean."""

    mean: _Seconds = 15.0


class Stop(_Table, frozen=True):
    """Cancel, so long after sending (lognormal), and say something else after `retype`."""

    median: _Seconds = 1.0
    sigma: _Spread = 0.6
    retype: _Seconds = 1.0


class Storm(_Table, frozen=True):
    """So many messages at the same moment."""

    messages: _Count = 6


class Drip(_Table, frozen=True):
    """So many messages, one every so often, without waiting for a reply."""

    messages: _Count = 5
    every: _Seconds = 0.5


class Hot(_Table, frozen=True):
    """Threads that several people talk on at once.

    `share` of all threads are hot. How many talk there, from 2 to `most`, follows Zipf's law with
    the exponent `zipf`: many threads of a few people, few of many.
    """

    share: _Share = 0.0
    most: Annotated[int, msgspec.Meta(ge=2, le=100)] = 10
    zipf: Annotated[float, msgspec.Meta(ge=0, le=10)] = 1.2


class Strategies(_Table, frozen=True):
    """How often which strategy is used where the label is `mixed`, as weights."""

    reject: _Weight = 1.0
    enqueue: _Weight = 1.0
    interrupt: _Weight = 1.0
    rollback: _Weight = 1.0


class Recorded(_Table, frozen=True):
    """One message of a recording: so many seconds after the recording began, on a thread.

    `strategy` is empty where the label decides.
    """

    at: _Seconds
    thread: str
    seconds: _Seconds | None = None
    strategy: str = ""


class Behaviour(_Table, frozen=True):
    """A behaviour profile. With `replay`, the name of a CSV file beside it, the mix is not used.

    `recording` is what stands in that file; it is no part of the TOML.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    description: str = ""
    arrivals: Arrivals = Arrivals()
    conversation: Conversation = Conversation()
    mix: Mix = Mix()
    follow_up: FollowUp = FollowUp()
    double_click: DoubleClick = DoubleClick()
    impatience: Impatience = Impatience()
    stop: Stop = Stop()
    storm: Storm = Storm()
    drip: Drip = Drip()
    hot: Hot = Hot()
    strategies: Strategies = Strategies()
    replay: str = ""
    recording: tuple[Recorded, ...] = ()
