"""The spool on disk: full, damaged, taken up again, shared."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from outrigger_sidecar.errors import ConfigurationError, SpoolUnavailable
from outrigger_sidecar.relay.records import NO_FACTS, Fact, NewRecord
from outrigger_sidecar.relay.sampling import Decision, TailSampler
from outrigger_sidecar.relay.spool import Spool, private_directory
from outrigger_telemetry.metrics import Metrics, local_metrics

CAP = 64 * 1024
TRACE = bytes(range(16))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def record(content: bytes, facts: Fact = NO_FACTS, trace: bytes = TRACE) -> NewRecord:
    return NewRecord(trace, bytes(16), facts, 0.0, [b"head\r\n\r\n" + content])


@contextmanager
def opened(
    folder: Path, metrics: Metrics | None = None, sampler: TailSampler | None = None
) -> Iterator[Spool]:
    spool = Spool(folder, CAP, sampler, metrics or local_metrics(), Clock())
    yield spool
    spool.close()


def drained(spool: Spool) -> list[bytes]:
    """Take out all, in batches of two; the contents."""
    found: list[bytes] = []
    while (batch := spool.next_batch(2, 1000)) is not None:
        found += [content.split(b"\r\n\r\n")[1].rstrip() for content in batch.contents]
        spool.finish(batch)
    return found


def dropped(metrics: Metrics, reason: str) -> float:
    return next(
        sample.value
        for family in metrics.collect()
        for sample in family.samples
        if sample.name == "langgraph_relay_dropped_runs_total" and sample.labels["reason"] == reason
    )


def numbered(count: int) -> Sequence[bytes]:
    return [b"%d" % number for number in range(count)]


def test_all_come_out_once_in_order_and_nothing_stays_on_disk(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for content in numbered(7):
            spool.append([record(content)])
        assert drained(spool) == numbered(7)
        assert (spool.size(), spool.pending()) == (0, 0)
    assert list(tmp_path.iterdir()) == []


def test_what_was_not_finished_is_there_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.append([record(content) for content in numbered(5)])
        batch = spool.next_batch(2, 1000)
        assert batch is not None
        spool.finish(batch)
        assert spool.next_batch(2, 1000) is not None  # on its way when the process dies
    with opened(tmp_path) as spool:
        spool.append([record(b"new")])
        assert drained(spool) == [b"2", b"3", b"4", b"new"]


@pytest.mark.parametrize("lost", range(1, 70, 7))
def test_a_record_half_written_at_a_crash_is_as_if_never_sent(tmp_path: Path, lost: int) -> None:
    with opened(tmp_path) as spool:
        spool.append([record(b"whole"), record(b"torn")])
    [path] = tmp_path.glob("*.spool")
    path.write_bytes(path.read_bytes()[:-lost])

    with opened(tmp_path) as spool:
        assert drained(spool) == [b"whole"]


def test_a_damaged_record_is_counted_and_the_others_come_out(tmp_path: Path) -> None:
    metrics = local_metrics()
    with opened(tmp_path) as spool:
        spool.append([record(b"one"), record(b"two"), record(b"three")])
    [path] = tmp_path.glob("*.spool")
    path.write_bytes(path.read_bytes().replace(b"two", b"2wo"))

    with opened(tmp_path, metrics) as spool:
        assert drained(spool) == [b"one", b"three"]
    assert dropped(metrics, "damaged") == 1


def test_a_full_spool_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    metrics = local_metrics()
    with opened(tmp_path, metrics) as spool:
        for content in numbered(200):
            spool.append([record(content + b" " * 1000)])
            assert spool.size() <= CAP
        left = drained(spool)
    assert left == numbered(200)[-len(left) :]
    assert 40 < len(left) < 64
    assert dropped(metrics, "spool_full") == 200 - len(left)


def test_a_batch_on_its_way_while_its_records_are_dropped_is_counted_once(tmp_path: Path) -> None:
    metrics = local_metrics()
    with opened(tmp_path, metrics) as spool:
        spool.append([record(b"first")])
        batch = spool.next_batch(1, 1000)
        assert batch is not None
        for _ in range(100):
            spool.append([record(b" " * 1000)])
        assert batch.segment.is_dropped
        before = dropped(metrics, "spool_full")
        spool.abandon(batch)
        assert dropped(metrics, "spool_full") == before + 1
        assert before + 1 + spool.pending() == 101


def test_a_disk_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with opened(folder) as spool:
        folder.rmdir()
        with pytest.raises(SpoolUnavailable):
            spool.append([record(b"x")])
        folder.mkdir()
        spool.append([record(b"y")])
        assert drained(spool) == [b"y"]


def test_two_sidecars_do_not_share_a_spool(tmp_path: Path) -> None:
    with (
        private_directory(tmp_path),
        pytest.raises(ConfigurationError, match="another sidecar uses it"),
        private_directory(tmp_path),
    ):
        pass


def test_a_trace_that_waits_holds_up_no_other_also_after_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    kept, waits = bytes(15) + b"k", bytes(15) + b"w"
    records = [record(b"waits", trace=waits), record(b"kept", Fact.ERROR, kept)]
    with opened(tmp_path, sampler=TailSampler(0, 10, clock)) as spool:
        spool.append(records)
    with opened(tmp_path, sampler=TailSampler(0, 10, clock)) as spool:
        assert drained(spool) == [b"kept"]
        clock.now += 10  # it is slow by now
        assert drained(spool) == [b"waits"]


def test_the_share_is_kept_whatever_happens() -> None:
    sampler = TailSampler(0.25, 10, Clock())
    traces = [number.to_bytes(16, "big") for number in range(1, 2001)]
    for trace in traces:
        sampler.note(trace, Fact.ROOT | Fact.ENDED, 0.1)

    kept = sum(sampler.decide(trace, 1000.0) is Decision.KEEP for trace in traces)

    assert 400 < kept < 600
