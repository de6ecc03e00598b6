"""A relay inside the test, with or without an upstream."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fakes.relay_bench import Bench, Noticed, Opened
from harness.langsmith_double import LangSmith
from harness.relays import started_langsmith
from outrigger_sidecar.relay.opening import open_relay
from outrigger_sidecar.settings import Settings
from outrigger_telemetry.metrics import local_metrics


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    """Opens a relay on `tmp_path` with these settings, as often as wanted."""
    async with AsyncExitStack() as stack:

        @asynccontextmanager
        async def open_bench(**settings: Any) -> AsyncIterator[Bench]:
            metrics, noticed = local_metrics(), Noticed()
            own = Settings.model_validate({"data_dir": tmp_path, **settings})
            async with open_relay(own, metrics, noticed) as relay:
                bench = Bench(relay, metrics, noticed)
                async with bench.client:
                    yield bench

        async def enter(**settings: Any) -> Bench:
            return await stack.enter_async_context(open_bench(**settings))

        yield enter


@pytest.fixture
def langsmith(tmp_path: Path) -> Iterator[LangSmith]:
    """The stand-in, started."""
    with started_langsmith(tmp_path) as double:
        yield double
