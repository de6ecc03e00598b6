import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "send.py"


class Sender:
    """The process with the transport."""

    def __init__(self, process):
        self.process = process

    async def order(self, url, *calls, **options):
        """Make these calls; return an answer for each, and what Locust was told."""
        found = await asyncio.to_thread(self.ask, {"url": url, "calls": calls, **options})
        return found["answers"], found["fired"]

    def ask(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def sender():
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, PROGRAM], stdin=pipe, stdout=pipe, text=True) as process:
        yield Sender(process)
        process.stdin.close()
        assert process.wait(20) == 0
