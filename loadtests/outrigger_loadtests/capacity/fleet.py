"""Workers as Locust has them: this process, or others that have dialled in to this one.

The master orders a stage by a message of its own kind and gets back what came of it by another;
that is how histograms and histories travel. One Locust user in each worker takes the orders. Where
there is no other process, Locust hands the same messages round in this one.
"""

import time
from collections.abc import Callable
from typing import Any

import gevent  # type: ignore[import-untyped]  # it ships no types
import msgspec
from gevent.event import Event  # type: ignore[import-untyped]
from gevent.queue import Queue  # type: ignore[import-untyped]
from locust import User, constant, task
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner

from outrigger_loadtests.capacity.trial import WorkerLost
from outrigger_loadtests.client.gevent_clock import GeventClock
from outrigger_loadtests.client.locust_transport import LocustTransport
from outrigger_loadtests.generator.generator import Generator
from outrigger_loadtests.generator.stage import Order, Outcome, Standing

ORDER = "outrigger-order"
STANDING = "outrigger-standing"
OUTCOME = "outrigger-outcome"
STOP = "outrigger-stop"
GRACE_SECONDS = 30.0  # that a worker may be later than its stage
TICK_SECONDS = 0.2


class Dispatching(User):
    """The one user of a worker: holds the stages that are ordered, one after the other."""

    abstract = True
    wait_time = constant(0)
    worker: "Worker"

    @task
    def take_order(self) -> None:
        """Wait for the next order and carry it out."""
        self.worker.hold(self.worker.orders.get())


class Worker:
    """Takes orders in this process."""

    def __init__(self, environment: Environment, host: str, api_key: str | None) -> None:
        self.orders: Any = Queue()
        self._environment = environment
        self._transport = LocustTransport(environment, host, api_key)
        self._generator = Generator(self._transport, GeventClock(), self._tell)

    def users(self) -> type[User]:
        """Return the class of the one user."""

        class ArrivalUser(Dispatching):
            worker = self

        return ArrivalUser

    def listen(self) -> None:
        """Take orders from the runner of the environment."""
        runner: Any = self._environment.runner
        runner.register_message(ORDER, self._on_order)
        runner.register_message(STOP, self._on_stop)

    def hold(self, order: Order) -> None:
        """Hold a stage and send what came of it."""
        outcome = self._generator.hold(order)
        self._send(OUTCOME, msgspec.json.encode(outcome))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _on_order(self, msg: Any, **_: Any) -> None:
        self.orders.put(msgspec.json.decode(msg.data["body"], type=Order))

    def _on_stop(self, **_: Any) -> None:
        self._generator.stop()

    def _tell(self, standing: Standing) -> None:
        self._send(STANDING, msgspec.json.encode(standing))

    def _send(self, kind: str, body: bytes) -> None:
        runner: Any = self._environment.runner
        runner.send_message(kind, {"body": body, "client": runner.client_id})


class LocustFleet:
    """All workers of a runner. `on_standing` is told how far they are, about once a second."""

    def __init__(
        self,
        runner: LocalRunner | MasterRunner,
        workers: int,
        on_standing: Callable[[list[Standing]], None],
    ) -> None:
        self.workers = workers
        self.stopped = False
        self._runner: Any = runner
        self._on_standing = on_standing
        self._outcomes: list[Outcome] = []
        self._standings: dict[str, Standing] = {}
        self._arrived: Any = Event()
        runner.register_message(OUTCOME, self._on_outcome)
        runner.register_message(STANDING, self._on_progress)

    def stop(self) -> None:
        """End the stage that goes on, early; the next ones are not to begin."""
        self.stopped = True
        self._runner.send_message(STOP, {})

    def hold(self, order: Order) -> list[Outcome]:
        """Hold a stage, each worker its share, and return when all of them are done.

        Raises:
            WorkerLost: One of them did not answer in time.
        """
        self._outcomes, self._standings = [], {}
        for share, client in enumerate(self._clients()[: self.workers]):
            mine = msgspec.structs.replace(order, share=share, shares=self.workers)
            self._runner.send_message(ORDER, {"body": msgspec.json.encode(mine)}, client)
        deadline = time.monotonic() + order.seconds + order.drain + GRACE_SECONDS
        while len(self._outcomes) < self.workers:
            self._arrived.clear()
            self._arrived.wait(TICK_SECONDS)
            if time.monotonic() > deadline or len(self._clients()) < self.workers:
                raise WorkerLost
        return list(self._outcomes)

    def _clients(self) -> list[str | None]:
        if isinstance(self._runner, LocalRunner):
            return [None]
        clients = self._runner.clients
        alive = {each.id for each in (*clients.ready, *clients.spawning, *clients.running)}
        return sorted(alive)

    def _on_outcome(self, msg: Any, **_: Any) -> None:
        self._outcomes.append(msgspec.json.decode(msg.data["body"], type=Outcome))
        self._arrived.set()

    def _on_progress(self, msg: Any, **_: Any) -> None:
        client = msg.data["client"]
        self._standings[client] = msgspec.json.decode(msg.data["body"], type=Standing)
        self._on_standing(list(self._standings.values()))


def wait_for_workers(runner: MasterRunner, count: int, seconds: float) -> bool:
    """Wait until so many workers have dialled in; whether they did in time."""
    deadline = time.monotonic() + seconds
    clients: Any = runner.clients
    while len(clients.ready) < count:
        if time.monotonic() > deadline:
            return False
        gevent.sleep(TICK_SECONDS)
    return True
