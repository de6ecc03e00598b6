"""The queue under random histories: what holds after every step, whatever came before.

The same programs run on the model alone, which shows the rules, and on each store beside the
model, which shows that the store keeps them. One example is one transaction that is undone, so
a thousand histories cost no commit. `--hypothesis-profile thorough` tries ten times as many.
"""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings

from fakes.empty_database import empty_database
from fakes.run_queue.history import History
from fakes.run_queue.programs import PROGRAM
from fakes.run_queue.stored import StoredQueue
from outrigger_server.stores.postgres import PostgresDatabase

SHARE = settings().max_examples
MANY = settings(
    max_examples=10 * SHARE,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
)


class Undone(Exception):
    """An example has come to its end, and leaves the database as it was."""


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory):
    yield from opened(empty_database(tmp_path_factory.mktemp("history")))


@pytest.fixture(scope="module")
def postgres(postgres_server, postgres_template):
    with postgres_server.fresh_database(postgres_template) as uri:
        yield from opened(PostgresDatabase(uri))


def opened(database):
    asyncio.run(database.__aenter__())
    yield database
    asyncio.run(database.__aexit__(None, None, None))


def carry_out(program, database):
    def drive(connection):
        History(StoredQueue(connection)).carry_out(program)
        raise Undone

    with pytest.raises(Undone):
        database.write_blocking(drive)


@MANY
@given(program=PROGRAM)
def test_the_rules_alone_keep_every_promise(program):
    History().carry_out(program)


@MANY
@given(program=PROGRAM)
def test_sqlite_keeps_every_promise_and_does_what_the_rules_say(sqlite, program):
    carry_out(program, sqlite)


@settings(MANY, max_examples=5 * SHARE)  # each takes twice as long here
@given(program=PROGRAM)
def test_postgresql_keeps_every_promise_and_does_what_the_rules_say(postgres, program):
    carry_out(program, postgres)
