"""No run is lost while the upstream fails, dies and returns, or the sidecar itself is killed."""

import time
from collections import Counter
from pathlib import Path

import pytest

from harness.langsmith_double import LangSmith
from harness.relays import RelaySidecar, sent_ids, start_sender, started_relay

BATCH = 100
"""What the relay's /info asks of the SDK: it is the most that one request holds."""


def wait_until_sent(sidecar: RelaySidecar, langsmith: LangSmith) -> Counter[tuple[str, str]]:
    """Return how often each operation is upstream, once no run of the sender is missing."""
    return langsmith.wait_for_ended(sent_ids(sidecar))


def twice(came: Counter[tuple[str, str]]) -> set[tuple[str, str]]:
    assert max(came.values()) <= 2
    return {operation for operation, times in came.items() if times == 2}


@pytest.mark.parametrize(
    ("seconds", "traces"),
    [
        pytest.param(5.0, 100, id="short"),
        pytest.param(60.0, 3600, id="minute", marks=pytest.mark.long),
    ],
)
def test_outage_then_death_of_upstream_and_kill_of_sidecar_lose_nothing(
    tmp_path: Path, seconds: float, traces: int
) -> None:
    with started_relay(tmp_path) as (sidecar, langsmith):
        sidecar.start()
        sender = start_sender(sidecar, traces=traces, seconds=seconds)
        langsmith.wait_until(lambda: bool(langsmith.taken()))
        langsmith.say(503, 429, retry_after="1")
        began = time.monotonic()
        time.sleep(seconds / 2)  # into the middle of the outage
        sidecar.kill()
        sidecar.start()
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        assert langsmith.refused() >= 2
        langsmith.kill()
        assert sender.wait(120) == 0
        before = {each["id"] for each in langsmith.taken()}
        assert not sent_ids(sidecar) <= before
        langsmith.say()
        langsmith.start()

        came = wait_until_sent(sidecar, langsmith)

        assert len(twice(came)) <= BATCH
        sidecar.until_metric("langgraph_relay_spool_oldest_seconds", 0)


def test_only_the_batch_in_flight_arrives_twice(tmp_path: Path) -> None:
    with started_relay(tmp_path) as (sidecar, langsmith):
        langsmith.say(503)
        sidecar.start()
        assert start_sender(sidecar, traces=200, seconds=1).wait(60) == 0
        assert sidecar.metric('langgraph_relay_forwarded_batches_total{result="retry"}') > 0
        assert sidecar.metric("langgraph_relay_spool_bytes") > 0
        assert sidecar.metric("langgraph_relay_spool_oldest_seconds") > 0
        langsmith.say(hold_seconds=1.0)  # it has taken a batch, and does not say so yet
        langsmith.wait_until(lambda: len(langsmith.taken()) > BATCH)
        sidecar.kill()
        last = langsmith.taken()[-1]["request"]
        in_flight = {(e["kind"], e["id"]) for e in langsmith.taken() if e["request"] == last}
        langsmith.say()
        sidecar.start()

        came = wait_until_sent(sidecar, langsmith)

        assert twice(came) <= in_flight
        sidecar.until_metric("langgraph_relay_spool_bytes", 0)
        assert sidecar.metric("langgraph_relay_spool_oldest_seconds") == 0
        assert sidecar.metric('langgraph_relay_forwarded_batches_total{result="ok"}') > 0
        assert sidecar.metric("langgraph_relay_forward_seconds_count") > 0


@pytest.mark.parametrize(
    "seconds", [pytest.param(1.0, id="short"), pytest.param(10.0, id="ten", marks=pytest.mark.long)]
)
def test_runs_sent_while_the_sidecar_was_away_arrive_later(tmp_path: Path, seconds: float) -> None:
    with started_relay(tmp_path) as (sidecar, langsmith):
        sender = start_sender(sidecar, traces=int(30 * seconds), seconds=seconds * 2)
        failed = sidecar.spool / "failed"
        langsmith.wait_until(lambda: any(failed.glob("trace_*.json")))
        time.sleep(seconds)  # away for so long
        sidecar.start()
        assert sender.wait(120) == 0

        came = wait_until_sent(sidecar, langsmith)

        assert not twice(came)
        assert sidecar.metric('langgraph_relay_replayed_files_total{result="ok"}') > 0
        assert not list((sidecar.spool / "failed").iterdir())
