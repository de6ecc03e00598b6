"""A busy system for some minutes, and the boards drawn from what its Prometheus has.

`make pictures` draws those of the documents with it.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langgraph_sdk import get_sync_client

from harness.boards import GENERATED
from harness.busy_system import (
    kill_a_worker_at_work,
    limited_container,
    overflow_a_label,
    started_onlooker,
    started_system,
)
from harness.load import (
    ORDINARY,
    broken_requests,
    double_texts,
    failing_runs,
    load,
    rarely,
    refused_requests,
)
from harness.load_test import CLIMBING, JOB, started_load_test
from harness.postgres import PostgresServer, started_postgres
from harness.processes import ROOT
from harness.prometheus import Prometheus, quick_config, started_prometheus
from harness.redis import RedisServer, started_redis
from harness.runs import probe_input
from outrigger_dashboards.preview.pictures import draw, last_minutes

PROJECT = ROOT / "dashboards" / "preview"
PICTURES = ROOT / "docs" / "pictures"
MINUTES = 3.0
KINDS = (
    *ORDINARY,
    *ORDINARY,
    double_texts,
    refused_requests,
    rarely(failing_runs, 20),
    rarely(broken_requests, 20),
)
SETTINGS = {
    "OUTRIGGER_LG_API_METRICS": "true",
    "OUTRIGGER_SIDECAR_CANARY_ASSISTANT": "probe_async",
    "OUTRIGGER_SIDECAR_CANARY_INPUT": '{"token": "canary", "seconds": 0}',
    "OUTRIGGER_SIDECAR_CANARY_INTERVAL_SECONDS": "5",
}


@contextmanager
def busy_prometheus(
    folder: Path, postgres: PostgresServer, redis: RedisServer
) -> Iterator[Prometheus]:
    """A Prometheus that scrapes a whole system on which everything has begun to happen."""
    with (
        started_system(folder, postgres, redis, **SETTINGS) as system,
        started_onlooker(folder, system) as onlooker,
        limited_container(folder) as container,
        started_load_test(folder, system.server.url, *CLIMBING) as generator,
        started_prometheus(
            {"outrigger": [system.server.sidecar_url, onlooker, container], JOB: [generator]},
            config=quick_config(),
        ) as prometheus,
        load(system.server.url, *KINDS),
    ):
        with get_sync_client(url=system.server.url, api_key=None) as client:
            for _ in range(3):
                client.crons.create(
                    "probe_async",
                    schedule="* * * * * */3",
                    input=probe_input("cron", 0),
                    webhook=system.receiver.url,
                )

        def are_running(count: int) -> None:
            running = 'max(langgraph_runs{status="running"})'
            prometheus.wait_for(lambda: (prometheus.value(running) or 0) >= count, "two at work")

        kill_a_worker_at_work(system, are_running)
        overflow_a_label(system)
        yield prometheus


def main(minutes: float = MINUTES) -> None:
    """Draw the pictures of the documents."""
    with (
        tempfile.TemporaryDirectory(prefix="outrigger-pictures-") as name,
        started_postgres() as postgres,
        started_redis() as redis,
        busy_prometheus(Path(name), postgres, redis) as prometheus,
    ):
        time.sleep(minutes * 60)
        span = last_minutes(minutes)
        draw(str(prometheus.http.base_url), GENERATED / "grafana", PROJECT, PICTURES, span)
    sys.stdout.write(f"{PICTURES}\n")


if __name__ == "__main__":
    main()
