"""Many calls, a few at a time."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


async def gather(calls: Iterable[Callable[[], Awaitable[T]]], *, limit: int = 10) -> list[T]:
    """Results in the order of the calls, of which at most `limit` are under way at once.

    Calls are taken from the iterable only when there is room. The first failure cancels those
    under way, starts no more, and is raised.
    """
    coming = enumerate(calls)
    results: dict[int, T] = {}

    async def work() -> None:
        for number, call in coming:
            results[number] = await call()

    workers = [asyncio.ensure_future(work()) for _ in range(limit)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [results[number] for number in sorted(results)]


def gather_in_threads(calls: Iterable[Callable[[], T]], *, limit: int = 10) -> list[T]:
    """The same in at most `limit` threads.

    Threads cannot be cancelled: after a failure those under way end, and no more are started.
    """
    coming, lock, stop = enumerate(calls), threading.Lock(), threading.Event()
    results: dict[int, T] = {}

    def next_calls() -> Iterator[tuple[int, Callable[[], T]]]:
        while not stop.is_set():
            with lock:
                taken = next(coming, None)
            if taken is None:
                return
            yield taken

    def work() -> None:
        try:
            for number, call in next_calls():
                results[number] = call()
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(limit, thread_name_prefix="outrigger-gather") as pool:
        workers = [pool.submit(work) for _ in range(limit)]
    for worker in workers:
        worker.result()
    return [results[number] for number in sorted(results)]
