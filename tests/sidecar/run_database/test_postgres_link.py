"""One connection: it reads only, waits for nobody for long, and comes back by itself."""

import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psutil
import psycopg
import pytest

from harness.postgres import PostgresServer, started_postgres
from outrigger_sidecar.errors import ConfigurationError, DatabaseError
from outrigger_sidecar.run_database.postgres_link import PostgresLink, TooSlow

OURS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'outrigger-sidecar'"


@pytest.fixture
def link(postgres_server: PostgresServer) -> Iterator[PostgresLink]:
    with closing(PostgresLink(postgres_server.url)) as link:
        yield link


def one(connection: psycopg.Connection[Any], statement: str = "SELECT 1") -> Any:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def ours(server: PostgresServer) -> list[int]:
    with psycopg.connect(server.url) as connection:
        return [row[0] for row in connection.execute(OURS)]


def test_it_keeps_one_connection_whatever_is_asked(
    link: PostgresLink, postgres_server: PostgresServer
) -> None:
    threads = [threading.Thread(target=link.ask, args=(one, 10)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ours(postgres_server)) == 1


def test_it_cannot_write(link: PostgresLink) -> None:
    with pytest.raises(DatabaseError):
        link.ask(lambda connection: one(connection, "CREATE TABLE written (x int)"), 5)
    assert link.ask(lambda connection: one(connection, "SELECT to_regclass('written')"), 5) is None


def test_a_statement_that_takes_too_long_is_given_up(link: PostgresLink) -> None:
    with pytest.raises(TooSlow):
        link.ask(lambda connection: one(connection, "SELECT pg_sleep(60)"), 0.05)

    assert link.ask(one, 5) == 1


def test_a_second_question_waits_its_time_only(link: PostgresLink) -> None:
    begun, done = threading.Event(), threading.Event()

    def read(_: psycopg.Connection[Any]) -> None:
        begun.set()
        assert done.wait(20)

    first = threading.Thread(target=link.ask, args=(read, 10))
    first.start()
    assert begun.wait(20)
    with pytest.raises(DatabaseError, match="earlier question"):
        link.ask(one, 0.05)
    done.set()
    first.join()

    assert link.ask(one, 5) == 1


def test_a_server_that_answers_nothing_is_given_up_too(
    link: PostgresLink, postgres_server: PostgresServer
) -> None:
    link.ask(one, 5)
    (backend,) = ours(postgres_server)
    psutil.Process(backend).send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(DatabaseError, match=r"^the database does not answer$"):
            link.ask(one, 0.05)
        assert link.ask(one, 5) == 1  # on a new connection
    finally:
        psutil.Process(backend).send_signal(signal.SIGCONT)


def test_a_connection_that_was_cut_meanwhile_is_nothing_to_speak_of(
    link: PostgresLink, postgres_server: PostgresServer
) -> None:
    link.ask(one, 5)
    (backend,) = ours(postgres_server)
    postgres_server.run(f"SELECT pg_terminate_backend({backend}, 5000)")

    assert link.ask(one, 5) == 1


def test_a_server_that_is_gone_is_said_and_its_return_needs_nothing(
    link: PostgresLink, postgres_server: PostgresServer
) -> None:
    link.ask(one, 5)
    postgres_server.stop()
    try:
        for _ in range(2):
            with pytest.raises(DatabaseError, match=r"^the database cannot be reached$"):
                link.ask(one, 5)
    finally:
        postgres_server.start()

    assert link.ask(one, 5) == 1


@pytest.mark.parametrize(
    ("user", "database", "said"),
    [
        ("postgres", "nowhere", "there is no such database"),
        ("nobody", "postgres", "the database does not know the user"),
    ],
)
def test_a_wrong_name_is_said_without_the_name(
    postgres_server: PostgresServer, user: str, database: str, said: str
) -> None:
    uri = f"postgresql://{user}@127.0.0.1:{postgres_server.port}/{database}"

    with closing(PostgresLink(uri)) as link, pytest.raises(DatabaseError) as caught:
        link.ask(one, 5)

    assert str(caught.value) == said


def test_a_wrong_password_is_said_without_the_password() -> None:
    with started_postgres(password="right") as server:
        wrong = server.url.replace(":right@", ":hunter22@")
        with closing(PostgresLink(wrong)) as link, pytest.raises(DatabaseError) as caught:
            link.ask(one, 5)
        with closing(PostgresLink(server.url)) as link:
            assert link.ask(one, 5) == 1

    assert str(caught.value) == "the database refuses the user or password"


@pytest.mark.parametrize("password", ["x%Hush", "Hush y", "x@Hush", "x/Hush"])
def test_an_address_that_is_none_is_said_without_it(password: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PostgresLink(f"postgresql://user:{password}@127.0.0.1:1/db")
    assert caught.value.faults == (
        "POSTGRES_URI is no address of PostgreSQL (a secret, not shown)",
    )
