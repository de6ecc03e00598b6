"""What the processes of one conversation share while it goes on."""

from dataclasses import dataclass, field

from outrigger_loadtests.history.operations import Endpoint, Strategy


@dataclass(frozen=True)
class Message:
    """What is to be sent as one run; `Created` says what the fields mean."""

    token: str
    strategy: Strategy
    seconds: float = 0.1
    endpoint: Endpoint = Endpoint.BACKGROUND
    asks: bool = False
    linger: float = 0.0
    answers: str = ""
    after_seconds: float = 0.0
    together: str = ""


@dataclass
class Conversation:
    """One thread of the server under its name in the plan.

    `runs` are the runs that were accepted, by token; `answered` holds every token whose create was
    answered, however; `unsent` those that will not be sent; `heard` those whose stream has told
    something of the run. `give_up_at`: when whoever still reads
    a stream or waits stops, in nanoseconds of the clock.
    """

    name: str
    probe: str
    thread_id: str = ""
    runs: dict[str, str] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    unsent: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)
    give_up_at: int | None = None
