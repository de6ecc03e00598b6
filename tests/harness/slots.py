"""What the server says about its worker slots, and which attempts it calls zombies."""

import asyncio
import json
import time
from typing import Any

from harness.cluster import Program
from harness.processes import Server
from outrigger_telemetry.metric_files import MetricFiles

DEADLINE_SECONDS = 20.0


def slots(server: Server, state: str) -> int:
    """The number of slots that are busy, idle or zombie."""
    gauge = MetricFiles(server.data_dir / "metrics").gauge("langgraph_worker_slots")
    return round(sum(value for labels, value in gauge.items() if ("state", state) in labels))


async def until_quiet(server: Server) -> None:
    """Return once no graph's code runs any more: no attempt, no zombie."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while slots(server, "busy") or slots(server, "zombie"):
        assert time.monotonic() < deadline, "a slot stays taken"
        await asyncio.sleep(0.02)


def logged(server: Server | Program, event: str, **fields: object) -> list[dict[str, Any]]:
    """The lines of the server's log with this event and these fields."""
    whole, _, _half_written = server.log.read_text().rpartition("\n")
    lines = [json.loads(line) for line in whole.splitlines() if line[:1] == "{"]
    return [
        line
        for line in lines
        if line.get("event") == event and all(line.get(k) == v for k, v in fields.items())
    ]


async def until_logged(server: Server, event: str, **fields: object) -> dict[str, Any]:
    """Return the line once the server has logged it."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (lines := logged(server, event, **fields)):
        assert time.monotonic() < deadline, f"{event} is not logged"
        await asyncio.sleep(0.02)
    return lines[0]
