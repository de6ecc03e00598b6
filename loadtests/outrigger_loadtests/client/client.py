"""What one process of a conversation needs to send a request and write down what came of it.

The calls themselves are functions of a client: `sends`, `streams`, `reads`. Each records exactly
one operation, those that create a run and then read it two. None raises for what a server does.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from outrigger_loadtests.client import answers
from outrigger_loadtests.client.clock import Clock
from outrigger_loadtests.client.conversation import Conversation
from outrigger_loadtests.client.transport import Answer, Transport
from outrigger_loadtests.history.operations import Operation

CALL_SECONDS = 10.0  # a plain call may take so long
CONFLICT = frozenset({409})
NOT_FOUND = frozenset({404})


class Client:
    """One process of a conversation; each greenlet has its own."""

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        record: Callable[[Operation], None],
        conversation: Conversation,
        process: int = 0,
    ) -> None:
        self.transport = transport
        self.clock = clock
        self.record = record
        self.conversation = conversation
        self.process = process

    def beside(self, process: int) -> "Client":
        """Return another process of the same conversation."""
        return Client(self.transport, self.clock, self.record, self.conversation, process)

    @property
    def thread(self) -> str:
        """The path of the conversation's thread."""
        return f"/threads/{self.conversation.thread_id}"

    def get(self, path: str, name: str, expected: frozenset[int] = frozenset()) -> Answer:
        """Ask for something."""
        return self.transport.request(
            "GET", path, name=name, timeout=CALL_SECONDS, expected=expected
        )

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        name: str,
        expected: frozenset[int] = frozenset(),
    ) -> Answer:
        """Send something."""
        encoded = None if body is None else orjson.dumps(body)
        return self.transport.request(
            "POST", path, encoded, name=name, timeout=CALL_SECONDS, expected=expected
        )

    def told(self, answer: Answer, invoked: int, intended: int | None = None) -> dict[str, Any]:
        """Return the fields in which every operation says when it was and what came of it."""
        return {
            "thread": self.conversation.name,
            "process": self.process,
            "intended": invoked if intended is None else intended,
            "invoked": invoked,
            "completed": self.clock.now() if answer.status else None,
            "outcome": answers.outcome_of(answer),
            "code": answer.status,
            "error": answers.complaint_of(answer),
        }
