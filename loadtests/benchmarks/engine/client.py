"""The client, a process of its own: measures one case and prints it as a line of JSON.

    python -m benchmarks.engine.client throughput PORT '{"clients": 10, "window": {...}}'

Before that come the lines `open` and `closed`, at the moments when the measured window opens and
closes.
"""

import asyncio
import sys
import time
from typing import Any

import orjson
import uvloop

from benchmarks.engine.cases import cuts, first_frames, throughput
from benchmarks.engine.plan import Repeats, Window

WORDS = 4


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201  read by the benchmark


async def measure(case: str, port: int, given: dict[str, Any]) -> dict[str, Any]:
    """Measure one case."""
    match case:
        case "throughput":
            return await throughput(port, given["clients"], Window(**given["window"]), say)
        case "first_frames":
            return await first_frames(port, Repeats(**given))
        case "cuts":
            return await cuts(port, Repeats(**given))
        case _:
            raise SystemExit(f"no case {case!r}")


def main() -> None:
    """Measure what the arguments say."""
    if len(sys.argv) != WORDS:
        raise SystemExit(__doc__)
    case, port, given = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        began, worked = time.perf_counter(), time.process_time()
        found = runner.run(measure(case, int(port), orjson.loads(given)))
        busy = (time.process_time() - worked) / (time.perf_counter() - began)
    say(orjson.dumps(found | {"client_busy": busy}).decode())


if __name__ == "__main__":
    main()
