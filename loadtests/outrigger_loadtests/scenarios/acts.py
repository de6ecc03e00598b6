"""What one process of a conversation does, and when. A plan is made of these: data, no clock."""

from dataclasses import dataclass
from enum import StrEnum

from outrigger_loadtests.client.conversation import Message
from outrigger_loadtests.history.operations import Action


class Moment(StrEnum):
    """What an act waits for."""

    NOW = "now"
    ANSWERED = "answered"  # the create of a token was answered, however
    RUNNING = "running"  # the run of a token has begun, or ended already
    ENDED = "ended"  # the run of a token has ended
    ASKED = "asked"  # the question of a token waits for an answer


@dataclass(frozen=True)
class When:
    """A moment, and how many seconds after it; never, if by then `unless_heard` was heard from."""

    moment: Moment = Moment.NOW
    token: str = ""
    delay: float = 0.0
    unless_heard: str = ""


@dataclass(frozen=True)
class Send:
    """Send a message."""

    message: Message


@dataclass(frozen=True)
class Burst:
    """Send messages at the same moment, each from a process of its own."""

    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Cancel:
    """Cancel the run of a token."""

    token: str
    action: Action
    wait: bool


@dataclass(frozen=True)
class Watch:
    """Read the stream of a token's run; with `pieces` go away after so many events and resume."""

    token: str
    answers: str = ""
    pieces: int = 0


@dataclass(frozen=True)
class Await:
    """Join the run of a token."""

    token: str


@dataclass(frozen=True)
class Look:
    """Read the thread's state."""


@dataclass(frozen=True)
class Act:
    """One thing that is done when its moment has come; every act is a process of its own."""

    when: When
    what: Send | Burst | Cancel | Watch | Await | Look

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it sends."""
        if isinstance(self.what, Send):
            return (self.what.message,)
        return self.what.messages if isinstance(self.what, Burst) else ()
