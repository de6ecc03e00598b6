"""Reads the sidecar's /metrics, and waits for what it is to say."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from harness.processes import Server

DEADLINE_SECONDS = 10.0

Labels = frozenset[tuple[str, str]]
Values = dict[Labels, float]


def labelled(**labels: str) -> Labels:
    """The labels of one series."""
    return frozenset(labels.items())


@dataclass(frozen=True)
class MetricsPage:
    """One scrape: the series of every sample's name."""

    samples: Mapping[str, Values]

    def value(self, name: str, **labels: str) -> float:
        """The value of one series; 0 for one that is not there."""
        return self.samples.get(name, {}).get(labelled(**labels), 0.0)

    def growth(self, since: "MetricsPage", name: str) -> Values:
        """By how much each series of `name` has changed, without those that have not."""
        now, then = self.samples.get(name, {}), since.samples.get(name, {})
        changes = {key: now.get(key, 0.0) - then.get(key, 0.0) for key in now.keys() | then.keys()}
        return {key: change for key, change in changes.items() if change}


def read_metrics(url: str) -> MetricsPage:
    """Scrape the sidecar at `url`."""
    response = httpx.get(f"{url}/metrics", timeout=10)
    assert response.status_code == 200, response.text
    samples: dict[str, Values] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return MetricsPage(samples)


async def until_grown(
    server: Server, since: MetricsPage, name: str, expected: Values
) -> MetricsPage:
    """Return the page once exactly these series of `name` have grown by exactly as much."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        page = await asyncio.to_thread(read_metrics, server.sidecar_url)
        if (grown := page.growth(since, name)) == expected:
            return page
        assert time.monotonic() < deadline, f"{name} has grown by {grown}, not {expected}"
        await asyncio.sleep(0.05)


async def until_page(url: str, is_so: Callable[[MetricsPage], bool]) -> MetricsPage:
    """Return the page of the sidecar at `url` once it is as wanted."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        page = await asyncio.to_thread(read_metrics, url)
        if is_so(page):
            return page
        if time.monotonic() > deadline:
            raise TimeoutError("the page does not become as wanted")
        await asyncio.sleep(0.05)
