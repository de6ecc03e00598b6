"""What can be chosen about a client. Values are checked when they are made; units are in names."""

import ssl
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from outrigger_client.errors import BadSettings

Creates = Literal["when_safe", "always", "never"]
"""Whether to send the creation of a run or thread again after its answer was lost.

`when_safe`: if the server says at `/info` that it honours idempotency keys. `always`: whatever the
server is; one that ignores keys may then make two runs. `never`: not even then.
"""


def _must_be_positive(settings: Any) -> None:
    for each in fields(settings):
        value = getattr(settings, each.name)
        if isinstance(value, (int, float)) and value <= 0:
            raise BadSettings(f"{type(settings).__name__}.{each.name}: {value} is not above 0")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how patiently a request is sent again, where that is safe."""

    tries: int = 8
    """The first one counts. A stream has as many for each time that it breaks."""
    first_pause_seconds: float = 0.2
    """Doubles with every try; half of each pause is left to chance."""
    longest_pause_seconds: float = 5.0
    longest_retry_after_seconds: float = 60.0
    """A server that asks for a longer pause than this is not asked again."""
    budget_seconds: float = 60.0
    """No pause begins that would end later than this after the first try."""
    creates: Creates = "when_safe"

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            BadSettings: Something is not above 0.
        """
        _must_be_positive(self)


@dataclass(frozen=True, slots=True)
class Pool:
    """How many connections are open at once."""

    connections: int = 100
    """More requests than these wait for one, up to `Timeouts.pool_seconds`."""
    idle_connections: int = 20
    idle_seconds: float = 4.0
    """Shorter than servers keep theirs (uvicorn: 5 s), so none is used as it is being closed."""
    tls: ssl.SSLContext | None = None
    """Which certificates to trust and to show; None: the public ones to trust."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            BadSettings: Something is not above 0.
        """
        _must_be_positive(self)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the client waits for what."""

    connect_seconds: float = 5.0
    read_seconds: float = 60.0
    write_seconds: float = 60.0
    pool_seconds: float = 30.0
    silence_seconds: float = 20.0
    """Of streams and waits, which servers fill with heartbeats (every 5 s): more is a break."""
    cancel_seconds: float = 15.0
    """How long `run_with_timeout` waits for a run to stop."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            BadSettings: Something is not above 0.
        """
        _must_be_positive(self)


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """All of it."""

    retries: Retries = field(default_factory=Retries)
    pool: Pool = field(default_factory=Pool)
    timeouts: Timeouts = field(default_factory=Timeouts)
    assistants_ttl_seconds: float = 60.0
    """How old an assistant from the cache may be."""
    assistants_kept: int = 256
    """How many the cache holds; the oldest goes first."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            BadSettings: Something is not above 0.
        """
        _must_be_positive(self)
