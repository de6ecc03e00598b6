"""A relay inside the test, and bodies to send to it."""

import itertools
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
from starlette.applications import Starlette

from harness.langsmith_double import KEY, LangSmith
from outrigger_sidecar.http.relay import relay_routes
from outrigger_sidecar.relay.operation import RunOperation
from outrigger_sidecar.relay.relay import Relay
from outrigger_telemetry.metrics import Metrics

BOUNDARY = "a-boundary"
HEADERS = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


class Noticed:
    """A deriver that keeps what it is shown."""

    def __init__(self) -> None:
        self.operations: list[RunOperation] = []

    def observe(self, operation: RunOperation) -> None:
        self.operations.append(operation)


class Bench:
    """One relay and a client of its routes."""

    def __init__(self, relay: Relay, metrics: Metrics, noticed: Noticed) -> None:
        app = Starlette(routes=relay_routes(relay))
        self.relay = relay
        self.noticed = noticed
        self.metrics = metrics
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://relay/langsmith"
        )

    async def send(self, body: bytes, **headers: str) -> httpx.Response:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/runs/multipart", content=body, headers=HEADERS | more)

    def counted(self, name: str, **labels: str) -> float:
        samples = (sample for family in self.metrics.collect() for sample in family.samples)
        found = (s.value for s in samples if s.name == name and s.labels == labels)
        return next(found, 0.0)

    def refused(self, reason: str) -> float:
        return self.counted("langgraph_relay_refused_requests_total", reason=reason)


Opened = Callable[..., Any]


def upstream(langsmith: LangSmith) -> dict[str, Any]:
    """The settings of a relay in front of it."""
    return {
        "relay_upstream": langsmith.url,
        "relay_upstream_key": KEY,
        "relay_retry_max_seconds": 0.2,
    }


_numbers = itertools.count(1)


def new_id() -> str:
    return str(UUID(int=(7 << 100) + next(_numbers)))


def part(name: str, content: bytes, kind: str = "application/json") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n'
    return f"{head}Content-Type: {kind}\r\n\r\n".encode() + content + b"\r\n"


def run_parts(run: str, kind: str = "post", **apart: Any) -> bytes:
    """The parts of one run, which is the root of its trace unless told otherwise."""
    base = {"id": run, "trace_id": run, "dotted_order": f"x{run}", "name": "a run"}
    base |= apart.pop("base", {})
    parts = [part(f"{kind}.{run}", json.dumps(base).encode())]
    parts += [part(f"{kind}.{run}.{k}", json.dumps(v).encode()) for k, v in apart.items()]
    return b"".join(parts)


def closed(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
