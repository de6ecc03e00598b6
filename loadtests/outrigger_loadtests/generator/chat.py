"""Holds one planned conversation as lightly as it can be held: nothing is asked but what users ask.

No watcher and no polling beside it, unlike `scenarios/talk.py`. With `checked` the thread is read
at rest afterwards, so that the checker can judge it.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from outrigger_loadtests.client import sends
from outrigger_loadtests.client.client import Client
from outrigger_loadtests.client.conversation import Message
from outrigger_loadtests.history.operations import (
    TIMED_OUT,
    Created,
    Opened,
    Operation,
    Outcome,
)
from outrigger_loadtests.models.run import NANOSECONDS
from outrigger_loadtests.scenarios.acts import Act, Burst, Cancel, Moment, Send
from outrigger_loadtests.scenarios.plan import Plan, Round
from outrigger_loadtests.scenarios.settling import Patience, settle

ANSWER_SECONDS = 30.0  # for which an act waits for the answer to another's create
POLL_SECONDS = 0.05
HURRY_SECONDS = 0.2


@dataclass
class Chat:
    """One conversation on its way. `sending` are the creates that nobody has answered yet."""

    client: Client
    plan: Plan
    patience: Patience
    checked: bool = False
    opening: Opened | None = None
    sending: dict[str, Created] = field(default_factory=dict)

    def hold(self, intended: int) -> bool:
        """Hold it, from the moment at which it was to begin; whether its thread could be opened."""
        client, plan = self.client, self.plan
        self.opening = Opened(**self._unanswered(intended))
        opened = sends.open_thread(client, plan.label, plan.scenario, intended)
        self.opening = None
        if not opened:
            return False
        begin = intended
        for each in plan.rounds:
            self._take_turn(each, begin)
            then = self._think(each.think)
            if then is None:
                break
            begin = then
        if self.checked:
            settle(client, plan, (), self.patience)
        return True

    def unanswered(self) -> list[Operation]:
        """Return what was sent and not answered, for whoever gives the conversation up."""
        opening = [] if self.opening is None else [self.opening]
        return [*opening, *self.sending.values()]

    def _unanswered(self, intended: int) -> dict[str, Any]:
        now = self.client.clock.now()
        name = self.client.conversation.name
        told = {"thread": name, "intended": intended, "invoked": now}
        return {**told, "outcome": Outcome.INFO, "error": TIMED_OUT}

    def _send(self, client: Client, message: Message, due: int) -> None:
        token = message.token
        self.sending[token] = Created(
            **self._unanswered(due), token=token, strategy=message.strategy
        )
        sends.send(client, message, due)
        del self.sending[token]

    def _take_turn(self, turn: Round, begin: int) -> None:
        """Begin all acts; the first one here and now, which saves a greenlet where it is alone."""
        client = self.client
        tasks = [
            client.clock.start(partial(self._do, client.beside(number), act, begin))
            for number, act in enumerate(turn.acts[1:], 1)
        ]
        self._do(client, turn.acts[0], begin)
        for task in tasks:
            task.join()

    def _do(self, client: Client, act: Act, begin: int) -> None:
        """Carry out an act at its moment, unless there is a hurry by then."""
        when = act.when
        if when.moment is Moment.ANSWERED:
            begin = self._answered(client, when.token)
        due = begin + round(when.delay * NANOSECONDS)
        if not self._wait(client, due) or when.unless_heard in client.conversation.heard:
            return
        if isinstance(act.what, Send):
            self._send(client, act.what.message, due)
        elif isinstance(act.what, Burst):
            self._send_together(client, act.what, due)
        elif isinstance(act.what, Cancel):
            run_id = client.conversation.runs.get(act.what.token)
            if run_id is not None:
                sends.cancel(client, run_id, act.what.action, wait=act.what.wait)

    def _send_together(self, client: Client, what: Burst, due: int) -> None:
        start = client.clock.start
        tasks = [
            start(partial(self._send, client.beside(1000 * n + client.process), message, due))
            for n, message in enumerate(what.messages, 1)
        ]
        for task in tasks:
            task.join()

    def _answered(self, client: Client, token: str) -> int:
        """Wait for the answer to a create, as long as it makes sense; return when it was there.

        In a hurry one that was not sent will not be: nobody waits for that.
        """
        clock = client.clock
        deadline = clock.now() + int(ANSWER_SECONDS * NANOSECONDS)
        while token not in client.conversation.answered and clock.now() < deadline:
            if self.patience.hurry and token not in self.sending:
                break
            clock.sleep(POLL_SECONDS)
        return clock.now()

    def _wait(self, client: Client, due: int) -> bool:
        """Wait for a moment; False when a hurry comes first."""
        clock = client.clock
        while (left := due - clock.now()) > 0:
            if self.patience.hurry:
                return False
            clock.sleep(min(left / NANOSECONDS, HURRY_SECONDS))
        return True

    def _think(self, seconds: float) -> int | None:
        """Let people think, from now on; return when they begin again, None in a hurry."""
        due = self.client.clock.now() + round(seconds * NANOSECONDS)
        return due if self._wait(self.client, due) and not self.patience.hurry else None
