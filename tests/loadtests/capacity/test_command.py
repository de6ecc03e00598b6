"""`outrigger-loadtest capacity` as a process, against a server whose capacity is known."""

import asyncio
import json
import signal
import urllib.request

import pytest

from harness.load_command import command
from harness.queue_process import queue_server
from harness.queues import capacity, measured
from outrigger_loadtests.faults.programs import free_port

ONE_STAGE = ("--start-rate", "30", "--max-rate", "30", "--slo-p95", "first_event=60s")


def part_of(ended):
    """The capacity part of the verdict."""
    return json.loads((ended.folder / "verdict.json").read_bytes())["capacity"]


def counted(ended):
    """How many of each operation there were in the one stage of a test."""
    (stage,) = part_of(ended)["strategies"][0]["stages"]
    return {each["operation"]: each["count"] for each in stage["operations"]}


async def test_capacity_of_a_known_queue_is_within_a_tenth_or_unknown(tmp_path):
    """Unknown where this machine is too busy to keep up with forty a second; never a wrong one."""
    options = ("--stage", "4", "--warm-up", "0.5", "--start-rate", "30", "--slo-p95", "total=5s")
    with queue_server("--rate", "40") as url:
        ended = await measured(tmp_path / "out", url, *options, "--max-send-lag", "0.05")
    ended.must_have_reported(0, 4)
    (strategy,) = part_of(ended)["strategies"]
    if ended.code == 4:
        assert strategy["capacity"] is None
        assert "the generator could not keep up" in strategy["reason"]
        return
    assert strategy["capacity"] == pytest.approx(40, rel=0.1)
    assert strategy["runs"] == pytest.approx(40, rel=0.12)
    assert "enqueue 30/s: holds" in ended.stdout


@pytest.mark.long
async def test_three_of_three_runs_are_within_a_tenth(tmp_path):
    """With people that come by chance, as they do; therefore the stages are longer."""
    options = ("--stage", "15", "--warm-up", "2", "--start-rate", "45", "--slo-p95", "total=5s")
    options += ("--max-send-lag", "0.05")
    for seed in ("1", "2", "3"):
        with queue_server("--rate", "60") as url:
            more = ("--seed", seed, "--profile", str(tmp_path / "one.toml"))
            (tmp_path / "one.toml").write_text(
                'name = "one"\n[conversation]\nruns = [1, 1]\n[mix]\nsingle = 1\n'
            )
            ended = await measured(tmp_path / seed, url, *options, *more, within=600)
        (strategy,) = part_of(ended)["strategies"]
        assert strategy["capacity"] == pytest.approx(60, rel=0.1)


async def test_two_processes_count_what_one_counts(tmp_path):
    options = (*ONE_STAGE, "--stage", "3", "--warm-up", "0")
    with queue_server() as url:
        one = await measured(tmp_path / "one", url, *options)
        two = await measured(tmp_path / "two", url, *options, "--processes", "2")
    for ended in (one, two):
        ended.must_have_reported(0)
    assert (part_of(one)["workers"], part_of(two)["workers"]) == (1, 2)
    assert part_of(one)["verdict"] == part_of(two)["verdict"] == "pass"
    assert counted(one) == counted(two)


async def test_workers_may_dial_in(tmp_path):
    port = str(free_port())
    with queue_server() as url:
        lead = ("--expect-workers", "1", "--master-port", port)
        options = (*ONE_STAGE, "--stage", "2", "--warm-up", "0", *lead)
        async with (
            capacity(tmp_path / "out", url, *options) as leading,
            command(tmp_path / "w", "worker", "--host", url, "--master-port", port) as worker,
        ):
            ended = await leading.ended()
            helped = await worker.ended()
    ended.must_have_reported(0)
    assert helped.code == 0
    assert counted(ended)["total"] == pytest.approx(60, abs=2)


async def test_a_freeze_of_two_seconds_is_in_the_corrected_latency_only(tmp_path):
    options = (*ONE_STAGE, "--stage", "6", "--warm-up", "0", "--in-flight-cap", "2")
    with queue_server("--freeze", "2", "4") as url:
        ended = await measured(tmp_path / "out", url, *options)
    (stage,) = part_of(ended)["strategies"][0]["stages"]
    found = {each["operation"]: each for each in stage["operations"]}["first_event"]
    assert found["corrected"]["p95"] > 1
    assert found["uncorrected"]["p95"] < 0.5


async def test_a_generator_that_is_too_slow_is_inconclusive_and_makes_no_number(tmp_path):
    with queue_server() as url:
        ended = await measured(tmp_path / "out", url, *ONE_STAGE, "--max-cpu", "0.01")
    ended.must_have_reported(4)
    part = part_of(ended)
    assert (part["verdict"], part["strategies"]) == ("inconclusive", [])
    assert not part["calibration"]["generator"]["kept_up"]
    assert "nothing was measured" in ended.words()


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_ctrl_c_still_reports(processes, tmp_path):
    metrics = free_port()
    more = ("--processes", processes, "--metrics-address", str(metrics), "--stage", "60")
    with queue_server() as url:
        async with capacity(tmp_path / "out", url, "--start-rate", "20", *more) as this:
            while await asyncio.to_thread(offered, metrics) < 20:
                await asyncio.sleep(0.1)
            this.signal(signal.SIGINT)
            ended = await this.ended()
    ended.must_have_reported(4)
    verdict = json.loads((ended.folder / "verdict.json").read_bytes())
    assert verdict["stopped_early"]
    (strategy,) = verdict["capacity"]["strategies"]
    assert (strategy["capacity"], strategy["reason"]) == (None, "it was stopped early")


def offered(port):
    """What the generator's own metrics say was offered; of its calibration they say nothing."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return 0.0
    samples = (line.split() for line in lines if not line.startswith("#"))
    told = {name.partition("{")[0]: float(value) for name, value in samples}
    return told["outrigger_loadtest_conversations_offered_total"]


async def test_less_than_the_target_exits_with_one(tmp_path):
    options = (*ONE_STAGE, "--stage", "1", "--warm-up", "0", "--target-rate", "31")
    with queue_server() as url:
        ended = await measured(tmp_path / "out", url, *options)
    ended.must_have_reported(1)


@pytest.mark.parametrize(
    "wrong", [("--profile", "nobody"), ("--metrics-address", "here"), ("--probe", "all")]
)
async def test_a_wrong_option_is_named_before_anything_is_sent(wrong, tmp_path):
    ended = await measured(tmp_path / "out", "http://127.0.0.1:9", *wrong)
    assert wrong[0] in ended.must_have_refused()
