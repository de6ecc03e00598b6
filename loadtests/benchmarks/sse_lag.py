"""Measures how long after its sending an event of a stream is there for the client.

Starts a small server in another process that stamps every event with the monotonic clock, which all
processes of a machine share, and reads many streams from it the way a load test does:

    python loadtests/benchmarks/sse_lag.py --streams 500 --concurrent 10
"""

import argparse
import asyncio
import multiprocessing
import random
import sys
import time
from collections.abc import Sequence
from functools import partial
from multiprocessing.connection import Connection

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n"
)
NAME = "lag"


async def _stream(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, events: int, pause: float
) -> None:
    """Answer every request on a connection with a stream of stamped events."""
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD)
            for number in range(events):
                if number:
                    await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
                frame = b"event: values\r\ndata: %d\r\n\r\n" % time.monotonic_ns()
                writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _listen(port: Connection, events: int, pause: float) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: _stream(reader, writer, events, pause), "127.0.0.1", 0
    )
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def serve(port: Connection, events: int, pause: float) -> None:
    """Serve streams until killed; say on which port."""
    asyncio.run(_listen(port, events, pause))


def read(url: str, streams: int, concurrent: int, gap: float) -> tuple[list[int], list[int]]:
    """Read streams; return the lags of first events and of all events, in nanoseconds.

    A reader waits `gap` seconds between two streams.
    """
    from locust.env import Environment

    from outrigger_loadtests.client.gevent_clock import GeventClock
    from outrigger_loadtests.client.locust_transport import LocustTransport
    from outrigger_loadtests.client.sse import events

    clock = GeventClock()
    transport = LocustTransport(Environment(), url)
    firsts: list[int] = []
    lags: list[int] = []

    def reader(place: int) -> None:
        clock.sleep(gap * place / concurrent)
        for _ in range(place, streams, concurrent):
            stream = transport.stream("GET", "/", name=NAME, timeout=10.0)
            found = [clock.now() - int(event.data) for event in events(stream)]
            stream.close()
            firsts.extend(found[:1])
            lags.extend(found)
            clock.sleep(gap)

    for task in [clock.start(partial(reader, place)) for place in range(concurrent)]:
        task.join()
    return firsts, lags


def summary(label: str, lags: Sequence[int]) -> str:
    """One line with the percentiles, in milliseconds."""
    ordered = sorted(lags)
    shown = " ".join(
        f"p{percent}={ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1e6:.3f}"
        for percent in (50, 95, 99)
    )
    return f"{label:12} n={len(ordered)} {shown} max={ordered[-1] / 1e6:.3f} ms"


def main() -> int:
    """Print the lags; exit 1 when the p95 of first events is over the target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--concurrent", type=int, default=10)
    parser.add_argument("--events", type=int, default=10, help="events of a stream")
    parser.add_argument("--pause", type=float, default=0.02, help="mean seconds between two events")
    parser.add_argument("--gap", type=float, default=0.01, help="seconds between two streams")
    parser.add_argument("--target", type=float, default=2.0, help="ms, p95 of first events")
    options = parser.parse_args()

    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=serve, args=(theirs, options.events, options.pause), daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{ours.recv()}"
        began, worked = time.monotonic(), time.process_time()
        firsts, lags = read(url, options.streams, options.concurrent, options.gap)
        cpu = (time.process_time() - worked) / (time.monotonic() - began)
    finally:
        server.terminate()
        server.join()
    if len(lags) != options.streams * options.events:
        print(f"only {len(lags)} events came", file=sys.stderr)  # noqa: T201  # a script's output
        return 2
    for line in (summary("first event", firsts), summary("all events", lags)):
        print(line)  # noqa: T201  # a script's output
    print(f"client CPU {cpu:.0%}")  # noqa: T201  # a script's output
    first = sorted(firsts)[len(firsts) * 95 // 100] / 1e6
    return 0 if first <= options.target else 1


if __name__ == "__main__":
    sys.exit(main())
