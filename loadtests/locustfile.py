"""Double-texting as a plain Locust test, with Locust's own web page or without.

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8123 [--strategy …] [--probe …]

Every user holds one conversation after the other and Locust shows how long everything took; with
`--master`, `--worker` and `--processes` as ever. It judges nothing: for a verdict run
`outrigger-loadtest check`, for how much a server holds `outrigger-loadtest capacity`.

`--behaviour` lets people behave as a TOML file says; without it they double-text as hard as they
can and look at everything. With `--history FILE` what was sent and what came back is written down
as `check` does it; each worker has a file of its own.
"""

from argparse import ArgumentParser
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from locust import User, constant, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner

from outrigger_loadtests.behaviour.file import SHIPPED
from outrigger_loadtests.client.client import Client
from outrigger_loadtests.client.conversation import Conversation
from outrigger_loadtests.client.gevent_clock import GeventClock
from outrigger_loadtests.client.locust_transport import LocustTransport
from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.generator.chat import Chat
from outrigger_loadtests.history.file import history_file
from outrigger_loadtests.scenarios.crowd import Crowd, Plans
from outrigger_loadtests.scenarios.people import People
from outrigger_loadtests.scenarios.plan import plan_of
from outrigger_loadtests.scenarios.settling import Patience
from outrigger_loadtests.settings import ALL, DEFAULT_HOST, LABELS, PROBES, check_settings

FOR_EVER = 1 << 62
STRIDE = 10_007  # of a worker's numbers; a prime, so that every worker has all labels


@events.init_command_line_parser.add_listener
def _options(parser: ArgumentParser, **_: Any) -> None:
    parser.add_argument("--strategy", default=ALL, choices=[*LABELS, ALL], help="Label to test.")
    parser.add_argument("--probe", default="async", choices=PROBES, help="Graph to talk to.")
    parser.add_argument("--seed", type=int, default=0, help="Same seed, same plans.")
    parser.add_argument("--api-key", default="", help="Sent as X-Api-Key.")
    parser.add_argument("--history", default="", help="File to write the history to.")
    known = f"How people behave: a TOML file, or {', '.join(SHIPPED)}."
    parser.add_argument("--behaviour", default="", help=known)


class Conversations(User):
    """Holds conversations until Locust stops it."""

    wait_time = constant(0)
    host = DEFAULT_HOST

    @task
    def converse(self) -> None:
        """Hold the next conversation."""
        if not self.environment.hold_one():
            raise StopUser


@events.test_start.add_listener
def _begin(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, MasterRunner):
        return  # its workers talk
    given: Any = environment.parsed_options
    try:
        settings = check_settings(
            host=environment.host or DEFAULT_HOST,
            strategy=given.strategy,
            probe=given.probe,
            seed=given.seed,
            api_key=given.api_key or None,
            behaviour=given.behaviour,
        )
    except UsageError as error:
        raise SystemExit(f"locustfile: {error}") from error
    stack: Any = ExitStack()
    worker = max(0, getattr(environment.runner, "worker_index", 0))
    record: Any = _forget
    if given.history:
        path = Path(given.history)
        own = path.with_stem(f"{path.stem}-{worker}") if worker else path
        record = stack.enter_context(history_file(own)).record
    transport = LocustTransport(environment, settings.host, settings.api_key)
    stack.callback(transport.close)
    numbers = count(worker, STRIDE)  # no thread is on two workers
    probe = f"probe_{given.probe}"
    made: Any = environment
    made.closing = stack
    if settings.behaviour is not None:
        people = People(settings.behaviour, settings.seed)
        plans = Plans(people.plan, settings.labels, numbers)
        made.hold_one = partial(_chat, transport, record, plans, probe)
        return
    plans = Plans(partial(plan_of, settings.seed), settings.labels, numbers)
    crowd = Crowd(transport, GeventClock(), record, plans=plans, patience=Patience())
    made.hold_one = partial(crowd.hold_one, probe, FOR_EVER)


@events.test_stop.add_listener
def _end(environment: Environment, **_: Any) -> None:
    made: Any = environment
    if hasattr(made, "closing"):
        made.closing.close()


def _chat(transport: LocustTransport, record: Any, plans: Plans, probe: str) -> bool:
    """Hold the next conversation as people do; whether its thread could be opened."""
    plan, clock = plans.next(probe), GeventClock()
    client = Client(transport, clock, record, Conversation(plan.thread, probe))
    return Chat(client, plan, Patience()).hold(clock.now())


def _forget(_: object) -> None:
    """Keep no history."""
