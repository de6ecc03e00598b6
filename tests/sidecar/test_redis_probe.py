"""The probe of Redis, against a real one that comes and goes."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from harness.redis import RedisServer
from outrigger_sidecar.errors import ConfigurationError
from outrigger_sidecar.health import CheckState, Reading
from outrigger_sidecar.probes.redis import RedisProbe
from outrigger_telemetry.metric_specs import REDIS_PROBE_SECONDS
from outrigger_telemetry.metrics import Metrics, local_metrics

FAILED = CheckState.FAILED


@pytest.fixture
def metrics() -> Metrics:
    return local_metrics([REDIS_PROBE_SECONDS])


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[RedisServer]:
    redis_server.start()
    yield redis_server
    redis_server.stop()  # with whatever a test has set
    redis_server.start()


@pytest.fixture
def probe(redis: RedisServer, metrics: Metrics) -> Iterator[RedisProbe]:
    with closing(RedisProbe(redis.url, metrics, timeout=5)) as probe:
        yield probe


def test_it_comes_and_goes_with_redis_and_is_measured(
    redis: RedisServer, probe: RedisProbe, metrics: Metrics
) -> None:
    assert probe.check() == Reading(CheckState.OK, "answers")
    redis.stop()
    assert probe.check() == Reading(FAILED, "no connection")
    redis.start()
    assert probe.check() == Reading(CheckState.OK, "answers")
    assert metrics.value(REDIS_PROBE_SECONDS, result="ok") == 2
    assert metrics.value(REDIS_PROBE_SECONDS, result="error") == 1


def test_one_that_answers_nothing_has_failed(redis: RedisServer, metrics: Metrics) -> None:
    with closing(RedisProbe(redis.url, metrics, timeout=0.05)) as probe:
        redis.freeze()
        try:
            assert probe.check() == Reading(FAILED, "no answer within 0.05 s")
        finally:
            redis.thaw()


def test_a_wrong_password_is_said_without_the_password(
    redis: RedisServer, metrics: Metrics
) -> None:
    redis.say("ACL", "SETUSER", "me", "on", ">right", "~*", "&*", "+@all")
    wrong = redis.url.replace("redis://", "redis://me:hunter22@")

    with closing(RedisProbe(wrong, metrics, timeout=5)) as probe:
        assert probe.check() == Reading(FAILED, "refuses the user or password")
    with closing(RedisProbe(wrong.replace("hunter22", "right"), metrics, timeout=5)) as probe:
        assert probe.check().state is CheckState.OK


def test_a_user_who_may_not_see_the_memory_is_no_fault(
    redis: RedisServer, metrics: Metrics
) -> None:
    redis.say("ACL", "SETUSER", "me", "on", ">right", "~*", "&*", "+@all", "-info")
    uri = redis.url.replace("redis://", "redis://me:right@")

    with closing(RedisProbe(uri, metrics, timeout=5)) as probe:
        assert probe.check().state is CheckState.OK


@pytest.mark.parametrize(
    ("policy", "does"),
    [("noeviction", "refuses writes"), ("allkeys-lru", "drops streams (allkeys-lru)")],
)
def test_memory_that_is_nearly_full_degrades_and_what_follows_is_said(
    redis: RedisServer, probe: RedisProbe, policy: str, does: str
) -> None:
    redis.say("CONFIG", "SET", "maxmemory-policy", policy)
    redis.say("CONFIG", "SET", "maxmemory", "1gb")
    roomy = probe.check()
    redis.say("CONFIG", "SET", "maxmemory", "1mb")
    full = probe.check()

    assert (roomy.state, full.state) == (CheckState.OK, CheckState.DEGRADED)
    assert roomy.detail.endswith(f"full it {does}")
    assert full.detail.endswith(f"full, it {does}")


def test_redis_is_not_critical(probe: RedisProbe) -> None:
    assert not probe.is_critical


def test_no_address_at_all_stops_the_start_and_is_not_shown(metrics: Metrics) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RedisProbe("redis://me:hunter22@host:port", metrics, timeout=1)

    assert "REDIS_URI" in str(caught.value)
    assert "hunter22" not in str(caught.value)
