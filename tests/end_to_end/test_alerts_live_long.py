"""The faults that take longer to be seen and to be over; the quick ones: test_alerts_live.py."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from langgraph_sdk import get_sync_client

from harness.busy_system import kill_a_worker_at_work, overflow_a_label
from harness.load import chats, load, plain_runs, rejected_messages
from harness.postgres import PostgresServer
from harness.redis import RedisServer
from harness.runs import probe_input
from harness.watched_system import WatchedSystem, started_watched_system

pytestmark = [pytest.mark.end_to_end, pytest.mark.long]

FOR_EVER = float("inf")


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    redis_server: RedisServer,
) -> Iterator[WatchedSystem]:
    folder = tmp_path_factory.mktemp("watched_long")
    with started_watched_system(folder, postgres_server, redis_server) as watched:
        yield watched


@pytest.fixture(autouse=True)
def begins_in_silence(watched: WatchedSystem) -> None:
    """What one fault left behind is over before the next begins."""
    watched.wait_until_quiet()
    watched.alertmanager.receiver.calls.clear()


def test_postgresql_stopped(watched: WatchedSystem, postgres_server: PostgresServer) -> None:
    watched.wait_until_panel("outrigger-stores", "database", 1, 1)
    postgres_server.stop()
    try:
        watched.wait_until_panel("outrigger-stores", "database", 0, 0)
        watched.wait_until_told("OutriggerDatabaseDown", "firing")
        # The server says that it cannot work, but people hear of the cause alone.
        watched.prometheus.wait_for(
            lambda: "OutriggerDown" in watched.alertmanager.suppressed(), "a page kept back"
        )
    finally:
        postgres_server.start()
    watched.wait_until_told("OutriggerDatabaseDown", "resolved")
    watched.wait_until_panel("outrigger-stores", "database", 1, 1)


def test_a_worker_killed_at_work(watched: WatchedSystem) -> None:
    watched.wait_until_panel("outrigger-queue", "lost", 0, 0)

    def are_running(count: int) -> None:
        running = 'langgraph_runs{status="running"}'
        watched.prometheus.wait_for(
            lambda: (watched.prometheus.value(running) or 0) >= count, f"{count} runs"
        )

    kill_a_worker_at_work(watched.system, are_running)
    watched.wait_until_panel("outrigger-queue", "lost", 0.1, FOR_EVER)
    watched.wait_until_told("OutriggerLeasesExpiring", "firing")
    watched.wait_until_told("OutriggerLeasesExpiring", "resolved")
    watched.wait_until_panel("outrigger-queue", "lost", 0, 0)


def test_a_server_frozen(watched: WatchedSystem) -> None:
    """The page goes out; what it implies is kept back."""
    watched.wait_until_panel("outrigger-overview", "servers", 1, 1)
    watched.system.server.signal(signal.SIGSTOP)
    try:
        watched.wait_until_panel("outrigger-overview", "servers", 0, 0)
        watched.wait_until_told("OutriggerDown", "firing")
    finally:
        watched.system.server.signal(signal.SIGCONT)
    watched.wait_until_told("OutriggerDown", "resolved")
    watched.wait_until_panel("outrigger-overview", "servers", 1, 1)


def test_a_storm_of_rejected_messages(watched: WatchedSystem) -> None:
    watched.wait_until_panel("outrigger-runs", "share", 0, 0.5)
    with load(watched.system.server.url, rejected_messages):
        watched.wait_until_panel("outrigger-runs", "share", 0.5, 1)
        watched.wait_until_told("OutriggerDoubleTextStorm", "firing")
    with load(watched.system.server.url, plain_runs):
        watched.wait_until_told("OutriggerDoubleTextStorm", "resolved")
        watched.wait_until_panel("outrigger-runs", "share", 0, 0.5)


@contextmanager
def locked_thread(database: str, thread_id: str) -> Iterator[None]:
    """Somebody holds the thread in a transaction: workers pass it over."""
    with psycopg.connect(database) as connection:
        connection.execute("SELECT 1 FROM threads WHERE thread_id = %s FOR UPDATE", [thread_id])
        yield


def test_a_queue_that_is_stuck(watched: WatchedSystem) -> None:
    watched.wait_until_panel("outrigger-queue", "stuck", 0, 0)
    database = watched.system.server.environment["POSTGRES_URI"]
    with get_sync_client(url=watched.system.server.url, api_key=None) as client:
        thread_id = client.threads.create()["thread_id"]
        asked = probe_input("stuck", 0)
        client.runs.create(thread_id, "probe_async", input=asked, after_seconds=5)
        with locked_thread(database, thread_id):
            watched.wait_until_panel("outrigger-queue", "stuck", 1, FOR_EVER)
            watched.wait_until_told("OutriggerQueueStalled", "firing")
    watched.wait_until_told("OutriggerQueueStalled", "resolved")
    watched.wait_until_panel("outrigger-queue", "stuck", 0, 0)


def test_the_upstream_of_the_relay_down(watched: WatchedSystem) -> None:
    """Meanwhile the board of models goes on."""
    watched.wait_until_panel("outrigger-sidecar", "backlog", 0, 2)
    watched.system.langsmith.kill()
    try:
        with load(watched.system.server.url, chats):
            watched.wait_until_panel("outrigger-sidecar", "backlog", 4, FOR_EVER)
            watched.wait_until_panel("outrigger-models", "tokens", 1, FOR_EVER)
            watched.wait_until_told("OutriggerRelayBacklog", "firing")
    finally:
        watched.system.langsmith.start()
    watched.wait_until_told("OutriggerRelayBacklog", "resolved")
    watched.wait_until_panel("outrigger-sidecar", "backlog", 0, 2)


def test_a_label_with_too_many_values(watched: WatchedSystem) -> None:
    watched.wait_until_panel("outrigger-sidecar", "overflow", 0, 0)
    overflow_a_label(watched.system)
    watched.wait_until_told("OutriggerLabelOverflow", "firing")
    overflow_a_label(watched.system)
    watched.wait_until_panel("outrigger-sidecar", "overflow", 1, FOR_EVER)
    watched.wait_until_told("OutriggerLabelOverflow", "resolved")
    watched.wait_until_panel("outrigger-sidecar", "overflow", 0, 0)
