"""Holds a database's writer, so that jobs wait together and are committed together."""

import asyncio
import threading


class Gate:
    """A job that holds the writer until it is opened, so that others wait together."""

    def __init__(self):
        self.entered = threading.Event()
        self._open = threading.Event()

    def __call__(self, _connection):
        self.entered.set()
        self._open.wait()

    def open(self):
        self._open.set()


async def behind(gate, database, *jobs):
    """Hand over `jobs` while the writer is held, then let it go; give every outcome."""
    held = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.entered.wait)
    waiting = [asyncio.create_task(database.write(job)) for job in jobs]
    while database.writer.waiting < len(jobs):
        await asyncio.sleep(0)
    gate.open()
    await held
    return await asyncio.gather(*waiting, return_exceptions=True)
