"""Stages held in simulated time: orders as tests give them, and workers that hold them together."""

import msgspec

from fakes.graph_server.clock import SimulatedClock
from fakes.queue_transport import QueueTransport
from outrigger_loadtests.behaviour.profile import Arrivals, Behaviour, Conversation, Mix, Think
from outrigger_loadtests.generator.generator import Generator
from outrigger_loadtests.generator.stage import Order

ONE_RUN = Behaviour(
    name="one run",
    mix=Mix(single=1.0),
    conversation=Conversation(runs=(1, 1), seconds=(0.0, 0.0), think=Think(median=0.0, sigma=0.0)),
)
EVEN = msgspec.structs.replace(ONE_RUN, arrivals=Arrivals(process="gamma", shape=100.0))


def order(**given):
    """A stage of ten measured seconds, unless said otherwise."""
    usual = {
        "number": 1,
        "behaviour": ONE_RUN,
        "seed": 7,
        "label": "enqueue",
        "probe": "probe_async",
        "first_number": 0,
        "rate": 20.0,
    }
    return Order(**{**usual, **given})


class SimulatedFleet:
    """See `Fleet`: so many workers in one simulated process. Stages follow each other there."""

    def __init__(self, transport_of, workers=1, cpu=0.3):
        self.workers = workers
        self.stopped = False
        self.orders = []
        self.told = []
        self._transport_of = transport_of
        self._cpu = cpu

    def hold(self, order):
        self.orders.append(order)
        clock = SimulatedClock()
        transport = self._transport_of(clock)
        return clock.run(lambda: self._hold(order, clock, transport))

    def _hold(self, order, clock, transport):
        outcomes = []

        def one(share):
            mine = msgspec.structs.replace(order, share=share, shares=self.workers)
            seconds = lambda: clock.now() / 1e9 * self._cpu  # noqa: E731
            generator = Generator(transport, clock, self.told.append, seconds)
            outcomes.append(generator.hold(mine))

        tasks = [clock.start(lambda share=share: one(share)) for share in range(self.workers)]
        for task in tasks:
            task.join()
        return outcomes


def held(order, workers=1, **server):
    """Hold one stage against a queue and return the outcomes of all workers."""
    fleet = SimulatedFleet(lambda clock: QueueTransport(clock, **server), workers)
    return fleet.hold(order)
