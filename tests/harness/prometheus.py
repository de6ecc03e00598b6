"""Starts a real Prometheus that scrapes what a test names, and asks it."""

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from harness.processes import free_port
from harness.programs import end, program, wait_until

Series = dict[frozenset[tuple[str, str]], float]


@dataclass(frozen=True)
class Prometheus:
    """A started Prometheus."""

    url: str

    def ask(self, query: str) -> Series:
        """The answer to an instant query: labels and value of each series."""
        told = httpx.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=10).json()
        assert told["status"] == "success", told
        return {
            frozenset(each["metric"].items()): float(each["value"][1])
            for each in told["data"]["result"]
        }

    def number(self, query: str) -> float:
        """The value of a query that has one; 0 for none."""
        return sum(self.ask(query).values())


@contextmanager
def started_prometheus(
    folder: Path, targets: Mapping[str, str], *, interval: str = "200ms"
) -> Iterator[Prometheus]:
    """Scrape `targets`, jobs and their URLs, until the block ends."""
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [urlsplit(url).netloc]}]}
        for job, url in targets.items()
    ]
    config = {"global": {"scrape_interval": interval, "scrape_timeout": interval}}
    rules = folder / "prometheus.yml"  # JSON is YAML
    rules.write_text(json.dumps({**config, "scrape_configs": jobs}))
    port, log = free_port(), folder / "prometheus.log"
    command = [program("prometheus"), f"--config.file={rules}"]
    command += [f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_ready(url), process, log)
        yield Prometheus(url)
    finally:
        end(process, signal.SIGTERM)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
