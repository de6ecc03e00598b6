"""Sends traces with the real SDK, and writes down the id of every run it was given.

A program of its own: the SDK reads its environment once. Usage: file, traces, seconds.
"""

import sys
import time
from pathlib import Path

from langsmith import Client
from langsmith.run_trees import RunTree


def send(client: Client, number: int, ids: list[str]) -> None:
    """One trace: a root with a child that is a model's call."""
    root = RunTree(name=f"trace {number}", inputs={"question": number}, ls_client=client)
    child = root.create_child("llm", run_type="llm", inputs={"prompt": "password=hunter2secret"})
    root.post()
    child.post()
    child.end(outputs={"text": "word " * 20})
    child.patch()
    root.end(outputs={"answer": number})
    root.patch()
    ids += [str(root.id), str(child.id)]


def main() -> None:
    file, traces, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    client = Client()
    ids: list[str] = []
    started = time.monotonic()
    for number in range(traces):
        send(client, number, ids)
        # A pace, not a wait for something: the load is spread over the time of the outage.
        time.sleep(max(0.0, started + seconds * number / traces - time.monotonic()))
    client.flush()
    client.cleanup()
    file.write_text("\n".join(ids))


if __name__ == "__main__":
    main()
