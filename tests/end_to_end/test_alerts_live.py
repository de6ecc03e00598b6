"""A fault moves its panel, its alert fires, and whoever has to know is told; also when it is over.

More of them: test_alerts_live_long.py.
"""

from collections.abc import Iterator

import pytest

from harness.load import chats, load
from harness.postgres import PostgresServer
from harness.redis import RedisServer
from harness.watched_system import WatchedSystem, started_watched_system

pytestmark = pytest.mark.end_to_end

FOR_EVER = float("inf")


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    redis_server: RedisServer,
) -> Iterator[WatchedSystem]:
    folder = tmp_path_factory.mktemp("watched")
    with started_watched_system(folder, postgres_server, redis_server) as watched:
        yield watched


def test_redis_stopped(watched: WatchedSystem, redis_server: RedisServer) -> None:
    watched.wait_until_panel("outrigger-stores", "redis-tile", 1, 1)
    redis_server.stop()
    try:
        watched.wait_until_panel("outrigger-stores", "redis-tile", 0, 0)
        watched.wait_until_told("OutriggerRedisDown", "firing")
    finally:
        redis_server.start()
    watched.wait_until_told("OutriggerRedisDown", "resolved")
    watched.wait_until_panel("outrigger-stores", "redis-tile", 1, 1)


def test_a_model_that_answers_429(watched: WatchedSystem) -> None:
    watched.wait_until_panel("outrigger-models", "errors", 0, 0)
    with load(watched.system.server.url, chats):
        watched.wait_until_panel("outrigger-models", "errors", 0.01, FOR_EVER)
        watched.wait_until_told("OutriggerLLMRateLimited", "firing")
    watched.wait_until_told("OutriggerLLMRateLimited", "resolved")
    watched.wait_until_panel("outrigger-models", "errors", 0, 0)
