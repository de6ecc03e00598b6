"""The generator's own metrics: what all workers told, and nothing twice."""

import urllib.request

import pytest
from prometheus_client import generate_latest

from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.generator.metrics import GeneratorMetrics, address, served
from outrigger_loadtests.generator.stage import Standing


def read(metrics: GeneratorMetrics) -> dict[str, float]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    told = (line.split() for line in lines if not line.startswith("#"))
    return {name.removeprefix("outrigger_loadtest_"): float(value) for name, value in told}


def test_counters_grow_by_what_is_new_in_each_stage() -> None:
    metrics = GeneratorMetrics()
    metrics.begin_stage(1, 10.0)
    metrics.tell(Standing(offered=10, achieved=8, in_flight=2, send_lag=0.003))
    metrics.tell(Standing(offered=20, achieved=19, in_flight=1, errors=1, send_lag=0.004))
    metrics.begin_stage(2, 15.0)
    metrics.tell(Standing(offered=15, achieved=15, dropped=2))
    found = read(metrics)
    assert found["conversations_offered_total"] == 35
    assert found["conversations_achieved_total"] == 34
    assert found["conversations_dropped_total"] == 2
    assert found["errors_total"] == 1
    assert (found["stage_number"], found["stage_rate"]) == (2, 15.0)
    assert (found["conversations_in_flight"], found["send_lag_p99_seconds"]) == (0, 0)


def test_they_are_served_at_a_place_and_then_not_any_more() -> None:
    metrics = GeneratorMetrics()
    with served(metrics, ("127.0.0.1", 0)) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b"outrigger_loadtest_conversations_offered_total 0.0" in answer.read()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=10)


def test_a_place_that_is_taken_is_refused() -> None:
    with (
        served(GeneratorMetrics(), ("127.0.0.1", 0)) as port,
        pytest.raises(UsageError, match=f"127.0.0.1:{port}"),
        served(GeneratorMetrics(), ("127.0.0.1", port)),
    ):
        pass


def test_without_a_place_nothing_is_served() -> None:
    with served(GeneratorMetrics(), None) as port:
        assert port == 0


@pytest.mark.parametrize(
    ("given", "place"),
    [("9646", ("127.0.0.1", 9646)), (":9646", ("127.0.0.1", 9646)), ("0.0.0.0:1", ("0.0.0.0", 1))],
)
def test_an_address_is_a_port_with_or_without_a_host(given: str, place: tuple[str, int]) -> None:
    assert address("--metrics-address", given) == place


@pytest.mark.parametrize("given", ["", "here", "127.0.0.1:", "1.2.3.4:99999", "a:-1"])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="--metrics-address"):
        address("--metrics-address", given)
