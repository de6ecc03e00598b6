"""Holds stages: one worker's share of each, from its order to its outcome."""

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from msgspec.structs import replace

from outrigger_loadtests.client.client import Client
from outrigger_loadtests.client.clock import Clock
from outrigger_loadtests.client.conversation import Conversation
from outrigger_loadtests.client.transport import Transport
from outrigger_loadtests.generator.arrivals import arrivals
from outrigger_loadtests.generator.chat import Chat
from outrigger_loadtests.generator.dispatcher import Dispatcher
from outrigger_loadtests.generator.stage import Order, Outcome, Standing
from outrigger_loadtests.generator.steady import people_before
from outrigger_loadtests.history.file import encode
from outrigger_loadtests.history.operations import Created, Operation
from outrigger_loadtests.measures.tally import Tally, Window
from outrigger_loadtests.models.run import NANOSECONDS
from outrigger_loadtests.scenarios.people import People
from outrigger_loadtests.scenarios.plan import Plan
from outrigger_loadtests.scenarios.settling import Patience

SAMPLE_SECONDS = 1.0
POLL_SECONDS = 0.02
TURN = 100  # plans that are drawn without letting others go on
SETTLE_SECONDS = 60.0  # for which a checked thread may take to come to rest

Tell = Callable[[Standing], None]


class Generator:
    """Holds one stage after the other against one server. `cpu` tells seconds of this process."""

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        tell: Tell,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._tell = tell
        self._cpu = cpu
        self._holding: _Holding | None = None

    def hold(self, order: Order) -> Outcome:
        """Hold a stage to its end and return what came of it."""
        self._holding = _Holding(self._transport, self._clock, order)
        try:
            return self._holding.hold(self._tell, self._cpu)
        finally:
            self._holding = None

    def stop(self) -> None:
        """End the stage that goes on, early; safe when there is none."""
        if self._holding is not None:
            self._holding.stop()


class _Holding:
    """One stage on its way."""

    def __init__(self, transport: Transport, clock: Clock, order: Order) -> None:
        self._transport = transport
        self._clock = clock
        self._order = order
        self._people = People(order.behaviour, order.seed)
        self._patience = Patience(settle=SETTLE_SECONDS)
        self._before = self._came_before()
        self._begin = clock.now()
        window = Window(self._after(order.warm_up), self._after(order.seconds))
        self.tally = Tally(window, order.objectives)
        self._talking: dict[str, tuple[Chat, list[Operation]]] = {}
        self._checked: list[bytes] = []
        self._unfinished: list[str] = []
        self._samples: list[Standing] = []
        self._stopped = False
        self._closed = False
        self.dispatcher = Dispatcher(
            clock, self._converse, cap=order.cap, patience=order.cap_patience
        )

    def stop(self) -> None:
        self._stopped = True
        self._patience.hurry = True
        self.dispatcher.stop()

    def hold(self, tell: Tell, cpu: Callable[[], float]) -> Outcome:
        worked, began = cpu(), self._clock.now()
        sampling = self._clock.start(partial(self._sample, tell))
        if self._order.users:
            self._hold_users()
        else:
            self.dispatcher.dispatch(self._planned())
            self._until(self._after(self._order.seconds))
        spent = max(1, self._clock.now() - began)
        busy = (cpu() - worked) * NANOSECONDS / spent
        self._drain()
        drained = (self._clock.now() - self._after(self._order.seconds)) / NANOSECONDS
        self._closed = True
        sampling.join()
        return self._outcome(busy, max(0.0, drained))

    def _came_before(self) -> dict[int, tuple[int, Plan]]:
        """Return those of this worker's people who came before the stage, by number."""
        order = self._order
        if order.idle or order.users:
            return {}
        found = {}
        for count, (number, moment, plan) in enumerate(people_before(self._people, order)):
            if number % order.shares == order.share:
                found[number] = moment, plan
            if count % TURN == 0:
                self._clock.sleep(0.0)  # let this process tell its master that it lives
        return found

    def _planned(self) -> list[tuple[int, int]]:
        """Return this worker's arrivals: a conversation belongs to one worker alone.

        Those who came before the stage go on in it; their conversations are numbered last.
        """
        order = self._order
        seed = f"{order.seed}/{order.number}"
        moments = arrivals(order.behaviour, seed, order.rate, order.seconds)
        mine = range(order.share, len(moments), order.shares)
        planned = [(order.first_number + n, self._begin + moments[n]) for n in mine]
        planned += [(number, self._begin + moment) for number, (moment, _) in self._before.items()]
        return sorted(planned, key=lambda each: each[1])

    def _hold_users(self) -> None:
        """Hold a closed stage: each of this worker's users one conversation after the other."""
        order = self._order
        end = self._after(order.seconds)
        users = range(order.share, order.users, order.shares)
        tasks = [self._clock.start(partial(self._use, user, end)) for user in users]
        for task in tasks:
            task.join()

    def _use(self, user: int, end: int) -> None:
        number = self._order.first_number + user
        while not self._stopped and (now := self._clock.now()) < end:
            self.dispatcher.offered += 1
            self.dispatcher.in_flight += 1
            self._converse(number, now)
            self.dispatcher.in_flight -= 1
            self.dispatcher.ended += 1
            number += self._order.users

    def _converse(self, number: int, due: int) -> None:
        order = self._order
        if order.idle:
            return
        _, plan = self._before.pop(number, (0, None))
        plan = plan or self._people.plan(number, order.label, order.probe)
        recorded: list[Operation] = []
        conversation = Conversation(plan.thread, plan.probe)
        client = Client(self._transport, self._clock, recorded.append, conversation)
        checked = bool(order.check_every) and number % order.check_every == 0
        chat = Chat(client, plan, self._patience, checked=checked)
        self._talking[plan.thread] = chat, recorded
        opened = chat.hold(due)
        if self._talking.pop(plan.thread, None) is None:
            return  # it was given up meanwhile
        self.tally.take(recorded, order.label, self._clock.now())
        if checked and opened:
            self._checked.append(encode(recorded))

    def _drain(self) -> None:
        """Let what goes on come to its end; give up what does not, and count it as failed."""
        self._patience.hurry = True
        deadline = self._after(self._order.seconds + self._order.drain)
        while not self.dispatcher.is_idle and self._clock.now() < deadline:
            self._clock.sleep(POLL_SECONDS)
        self.dispatcher.stop()
        now = self._clock.now()
        for thread, (chat, recorded) in list(self._talking.items()):
            chat.client.conversation.give_up_at = now
            known = {each.token for each in recorded if isinstance(each, Created)}
            open_ended = [
                each
                for each in chat.unanswered()
                if not isinstance(each, Created) or each.token not in known
            ]
            self.tally.take([*recorded, *open_ended], self._order.label, now)
            self._unfinished.append(thread)
        self._talking.clear()

    def _sample(self, tell: Tell) -> None:
        due = self._begin
        while not self._closed:
            due += int(SAMPLE_SECONDS * NANOSECONDS)
            self._until(due)
            standing = self._standing()
            self._samples.append(standing)
            tell(replace(standing, latencies=self.tally.buckets.spreads()))

    def _until(self, moment: int) -> None:
        while not self._closed and not self._stopped and (left := moment - self._clock.now()) > 0:
            self._clock.sleep(min(left / NANOSECONDS, POLL_SECONDS * 5))
        if self._stopped:
            self._clock.sleep(POLL_SECONDS)

    def _standing(self) -> Standing:
        done = self.dispatcher
        return Standing(
            at=(self._clock.now() - self._begin) / NANOSECONDS,
            offered=done.offered,
            achieved=done.ended,
            in_flight=done.in_flight,
            dropped=done.dropped,
            errors=self.tally.counts.errors,
            send_lag=done.recent_lag(),
        )

    def _after(self, seconds: float) -> int:
        return self._begin + int(seconds * NANOSECONDS)

    def _outcome(self, busy: float, drained: float) -> Outcome:
        done = self.dispatcher
        return Outcome(
            number=self._order.number,
            arrivals=done.offered,
            completed=done.ended,
            dropped=done.dropped,
            waited=done.waited,
            in_flight_most=done.most,
            drained=drained,
            cpu=busy,
            send_lag=done.send_lag.encoded(),
            counts=asdict(self.tally.counts),
            latencies=self.tally.latencies.encoded(),
            samples=self._samples,
            checked=b"".join(self._checked),
            unfinished=self._unfinished,
        )
