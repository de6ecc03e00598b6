"""`make bench-relay`: run operations a second that one core of the relay takes in.

What the real SDK sent is taken in again and again: unpacked, taken apart, searched for secrets,
made into series and written to the spool, as in the sidecar. Only this process's CPU time counts,
so what else the machine does changes little. Exit code 1 when the target is missed.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.relay.samples import Body, make_bodies
from outrigger_sidecar.relay.intake import Intake, Sent
from outrigger_sidecar.relay.limits import Limits
from outrigger_sidecar.relay.spool import Spool
from outrigger_sidecar.traces.deriver import TraceDeriver
from outrigger_sidecar.traces.prices import load_prices
from outrigger_telemetry.metrics import Metrics, local_metrics

TARGET = 10_000
TRACES = 200
SECONDS = 5.0
SPOOL_BYTES = 256 * 1024 * 1024
LIMITS = Limits(
    body=32 * 1024**2,
    decompressed=64 * 1024**2,
    part=20 * 1024**2,
    parts=10_000,
    body_seconds=30,
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="CPU time to spend")
    seconds = parser.parse_args().seconds
    bodies = make_bodies(TRACES)
    for redacts in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            rate = measure(bodies, Path(folder), seconds, redacts=redacts)
        word = "with" if redacts else "without"
        print(f"{rate:>8,.0f} run operations/s of CPU time, {word} redaction")  # noqa: T201
        if redacts and rate < TARGET:
            sys.exit(f"below the target of {TARGET:,}")


def measure(bodies: list[Body], folder: Path, seconds: float, *, redacts: bool) -> float:
    """Return the operations taken in for each second of CPU time."""
    metrics = local_metrics()
    spool = Spool(folder, SPOOL_BYTES, None, metrics, time.time)
    prices = load_prices(None)
    started = time.process_time()
    while time.process_time() - started < seconds:
        # Made anew: it counts what it has seen before no second time.
        deriver = TraceDeriver(
            metrics, prices, clock=time.monotonic, ttl_seconds=3600, max_open=10_000
        )
        intake = Intake(LIMITS, metrics, deriver, spool, redacts=redacts)
        for body in bodies:
            intake.take(Sent("multipart", body.content, body.content_type, body.encoding))
    spent = time.process_time() - started
    spool.close()
    return _ingested(metrics) / spent


def _ingested(metrics: Metrics) -> float:
    for family in metrics.collect():
        if family.name == "langgraph_relay_ingested_runs":
            return sum(sample.value for sample in family.samples)
    return 0.0


if __name__ == "__main__":
    main()
