"""Double-texting as a plain Locust test, with Locust's own web page or without.

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8123 [--strategy …] [--probe …]

Every user holds one conversation after the other and Locust shows how long everything took. It
judges nothing: for a verdict run `outrigger-loadtest check`. With `--history FILE` what was sent
and what came back is written down as `check` does it.
"""

from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from locust import User, constant, events, task
from locust.env import Environment
from locust.exception import StopUser

from outrigger_loadtests.client.gevent_clock import GeventClock
from outrigger_loadtests.client.locust_transport import LocustTransport
from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.history.file import history_file
from outrigger_loadtests.scenarios.crowd import Crowd
from outrigger_loadtests.scenarios.settling import Patience
from outrigger_loadtests.settings import ALL, DEFAULT_HOST, LABELS, PROBES, check_settings

FOR_EVER = 1 << 62


@events.init_command_line_parser.add_listener
def _options(parser: ArgumentParser, **_: Any) -> None:
    parser.add_argument("--strategy", default=ALL, choices=[*LABELS, ALL], help="Label to test.")
    parser.add_argument("--probe", default="async", choices=PROBES, help="Graph to talk to.")
    parser.add_argument("--seed", type=int, default=0, help="Same seed, same plans.")
    parser.add_argument("--api-key", default="", help="Sent as X-Api-Key.")
    parser.add_argument("--history", default="", help="File to write the history to.")


class Conversations(User):
    """Holds conversations until Locust stops it."""

    wait_time = constant(0)
    host = DEFAULT_HOST

    @task
    def converse(self) -> None:
        """Hold the next conversation."""
        crowd = self.environment.crowd
        if not crowd.hold_one(self.environment.probe, FOR_EVER):
            raise StopUser


@events.test_start.add_listener
def _begin(environment: Environment, **_: Any) -> None:
    given: Any = environment.parsed_options
    host = environment.host or DEFAULT_HOST
    try:
        settings = check_settings(
            host=host,
            strategy=given.strategy,
            probe=given.probe,
            seed=given.seed,
            api_key=given.api_key or None,
        )
    except UsageError as error:
        raise SystemExit(f"locustfile: {error}") from error
    stack: Any = ExitStack()
    record: Any = _forget
    if given.history:
        record = stack.enter_context(history_file(Path(given.history))).record
    transport = LocustTransport(environment, settings.host, settings.api_key)
    stack.callback(transport.close)
    made: Any = environment
    made.crowd = Crowd(
        transport,
        GeventClock(),
        record,
        seed=settings.seed,
        labels=settings.labels,
        patience=Patience(),
    )
    made.probe = f"probe_{given.probe}"
    made.closing = stack


@events.test_stop.add_listener
def _end(environment: Environment, **_: Any) -> None:
    made: Any = environment
    made.closing.close()


def _forget(_: object) -> None:
    """Keep no history."""
