"""Hands out conversations until time is up; what a crowd of users shares."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from outrigger_loadtests.client.client import Client
from outrigger_loadtests.client.clock import Clock
from outrigger_loadtests.client.conversation import Conversation
from outrigger_loadtests.client.transport import Transport
from outrigger_loadtests.history.operations import Created, Operation, Stalled
from outrigger_loadtests.scenarios.plan import Plan
from outrigger_loadtests.scenarios.settling import Patience
from outrigger_loadtests.scenarios.talk import talk

Draw = Callable[[int, str, str], Plan]  # conversation so and so, its label, its graph

UNOPENED_SECONDS = 0.5  # before the next try, when a thread could not be opened


@dataclass
class Progress:
    """What has been done so far."""

    begun: int = 0
    ended: int = 0
    runs: int = 0
    operations: int = 0


class Plans:
    """Hands out one plan after the other, each label in turn.

    `draw` makes conversation n, always the same one. `numbers` are those that no other crowd has,
    where several talk to one server.
    """

    def __init__(
        self, draw: Draw, labels: Sequence[str], numbers: Iterator[int] | None = None
    ) -> None:
        self._draw = draw
        self._labels = labels
        self._numbers = numbers or count()

    def next(self, probe: str) -> Plan:
        """Return the next plan, for a graph."""
        number = next(self._numbers)
        return self._draw(number, self._labels[number % len(self._labels)], probe)


class Crowd:
    """Users of one server who hold one conversation after the other.

    Which user holds which conversation is chance.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        record: Callable[[Operation], None],
        *,
        plans: Plans,
        patience: Patience,
    ) -> None:
        self.progress = Progress()
        self.unfinished: set[str] = set()
        self._transport = transport
        self._clock = clock
        self._write = record
        self._plans = plans
        self._patience = patience
        self._stopped = False

    def stop(self) -> None:
        """Begin no more conversations; those that go on come to their end."""
        self._stopped = True
        self._patience.hurry = True

    def hold_conversations(self, probe: str, begin_until: int, until: int) -> None:
        """Hold conversations with a graph, one after the other.

        None begins after the clock shows `begin_until`, no round of one after `until`.
        """
        while not self._stopped and self._clock.now() < begin_until:
            if not self.hold_one(probe, until):
                self._clock.sleep(UNOPENED_SECONDS)

    def hold_one(self, probe: str, until: int) -> bool:
        """Hold the next conversation; whether its thread could be opened.

        It begins no round after `until`.
        """
        plan = self._plans.next(probe)
        conversation = Conversation(plan.thread, probe)
        client = Client(self._transport, self._clock, self._record, conversation)
        self.progress.begun += 1
        self.unfinished.add(plan.thread)
        opened = talk(client, plan, self._patience, until)
        self.unfinished.discard(plan.thread)
        self.progress.ended += 1
        return opened

    def stood_still(self, since: int) -> None:
        """Write down that nobody of the crowd could do anything from `since` until now."""
        self._write(Stalled(thread="", invoked=since, completed=self._clock.now()))

    def _record(self, operation: Operation) -> None:
        self.progress.operations += 1
        if isinstance(operation, Created) and operation.run_id:
            self.progress.runs += 1
        self._write(operation)
