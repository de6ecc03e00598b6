"""Hands out conversations until time is up; what a crowd of users shares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from outrigger_loadtests.client.client import Client
from outrigger_loadtests.client.clock import Clock
from outrigger_loadtests.client.conversation import Conversation
from outrigger_loadtests.client.transport import Transport
from outrigger_loadtests.history.operations import Created, Operation, Stalled
from outrigger_loadtests.scenarios.plan import plan_of
from outrigger_loadtests.scenarios.settling import Patience
from outrigger_loadtests.scenarios.talk import talk

UNOPENED_SECONDS = 0.5  # before the next try, when a thread could not be opened


@dataclass
class Progress:
    """What has been done so far."""

    begun: int = 0
    ended: int = 0
    runs: int = 0
    operations: int = 0


class Crowd:
    """Users of one server who hold one conversation after the other.

    Conversation n of a seed is always the same one; which user holds it is chance.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        record: Callable[[Operation], None],
        *,
        seed: int,
        labels: Sequence[str],
        patience: Patience,
    ) -> None:
        self.progress = Progress()
        self.unfinished: set[str] = set()
        self._transport = transport
        self._clock = clock
        self._write = record
        self._seed = seed
        self._labels = labels
        self._patience = patience
        self._numbers = count()
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
        number = next(self._numbers)
        plan = plan_of(self._seed, number, self._labels[number % len(self._labels)], probe)
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
