"""The generator's own metrics: what all workers told, and nothing twice."""

import urllib.request

import pytest

from fakes.queue_transport import QueueTransport
from harness.stages import SimulatedFleet, order
from outrigger_loadtests.capacity.results import merged, summed
from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.generator.metrics import GeneratorMetrics, address, served
from outrigger_loadtests.generator.stage import Standing
from outrigger_loadtests.measures.buckets import Buckets

BOUNDED = ("0.1", "0.25", "5.0", "10.0", "+Inf")


def read(metrics: GeneratorMetrics, **labels: str) -> dict[str, float]:
    """What is told with exactly these labels, beside the test."""
    wanted = {"test": metrics.test, **labels}
    return {
        sample.name.removeprefix("outrigger_loadtest_"): sample.value
        for family in metrics.collect()
        for sample in family.samples
        if sample.labels == wanted
    }


def test_counters_grow_by_what_is_new_in_each_stage() -> None:
    metrics = GeneratorMetrics("one")
    metrics.begin_stage(order(number=1, rate=10.0))
    metrics.tell(Standing(offered=10, achieved=8, in_flight=2, send_lag=0.003))
    metrics.tell(Standing(offered=20, achieved=19, in_flight=1, errors=1, send_lag=0.004))
    metrics.begin_stage(order(number=2, rate=15.0))
    metrics.tell(Standing(offered=15, achieved=15, dropped=2))
    found = read(metrics)
    assert found["conversations_offered_total"] == 35
    assert found["conversations_achieved_total"] == 34
    assert found["conversations_dropped_total"] == 2
    assert found["errors_total"] == 1
    assert (found["stage_number"], found["stage_rate"]) == (2, 15.0)
    assert (found["conversations_in_flight"], found["send_lag_p99_seconds"]) == (0, 0)


def test_of_a_calibration_only_the_send_lag_is_told() -> None:
    metrics = GeneratorMetrics("one")
    metrics.begin_stage(order(number=1, rate=1000.0, idle=True))
    metrics.tell(Standing(offered=1000, achieved=990, in_flight=10, send_lag=0.003))
    told = {name: value for name, value in read(metrics).items() if value}
    assert told == {"stage_number": 1, "send_lag_p99_seconds": 0.003}


def test_latencies_are_those_of_all_stages_so_far() -> None:
    metrics = GeneratorMetrics("one")
    for number, seconds in ((1, 0.2), (2, 7.0)):
        metrics.begin_stage(order(number=number))
        buckets = Buckets()
        for _ in range(3):
            buckets.record("total", "enqueue", int(seconds * 1e9))
            metrics.tell(Standing(latencies=buckets.spreads()))
    labels = {"operation": "total", "strategy": "enqueue"}
    assert read(metrics, **labels) == {
        "latency_seconds_count": 6,
        "latency_seconds_sum": pytest.approx(21.6),
    }
    below = [read(metrics, **labels, le=le)["latency_seconds_bucket"] for le in BOUNDED]
    assert below == [0, 3, 3, 6, 6]


def test_what_a_generator_tells_adds_up_to_its_report() -> None:
    fleet = SimulatedFleet(lambda clock: QueueTransport(clock, 100.0))
    metrics = GeneratorMetrics("one")
    this = order(rate=20, warm_up=2, measured=10)
    metrics.begin_stage(this)
    result = merged(fleet.hold(this))
    for standing in fleet.told:
        metrics.tell(summed([standing]))
    corrected, _ = result.latencies.of("first_event", "enqueue")
    found = read(metrics, operation="first_event", strategy="enqueue")
    assert found["latency_seconds_count"] == corrected.count > 150
    assert found["latency_seconds_sum"] / corrected.count == pytest.approx(corrected.mean, rel=0.01)
    assert read(metrics)["conversations_offered_total"] == result.arrivals == 240


def test_they_are_served_at_a_place_and_then_not_any_more() -> None:
    metrics = GeneratorMetrics("one")
    with served(metrics, ("127.0.0.1", 0)) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert (
                b'outrigger_loadtest_conversations_offered_total{test="one"} 0.0' in answer.read()
            )
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
