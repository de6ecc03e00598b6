"""Is the process of this container well? The health check of the server's image asks this.

`python -m outrigger_server.health METRICS_DIR PORT` ends with 0 or 1. It imports next to nothing,
because it is asked every few seconds. An API has to answer at `/ok`; a worker, which listens
nowhere, has to have said lately that it is well.
"""

import http.client
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from outrigger_telemetry.process_files import WriterProcess, list_processes

ANSWER_SECONDS = 4.0
HEARTBEAT_SECONDS = 60.0
"""A worker beats several times in a lease; one of minutes must not look like a death."""
_OK = 200
_USAGE = 2


def fault_of(metrics_dir: Path, port: int) -> str | None:
    """What is wrong with the process that runs here; None when it is well."""
    here = [each for each in list_processes(metrics_dir) if each.is_alive and each.is_local]
    if not here:
        return f"no process of this container writes into {metrics_dir}"
    faults = (_silence_of(each) if each.role == "worker" else _no_answer_at(port) for each in here)
    return next((fault for fault in faults if fault is not None), None)


def _silence_of(worker: WriterProcess) -> str | None:
    if worker.heartbeat_at is None:
        return "the worker has not begun, or is about to end"
    age = time.time() - worker.heartbeat_at
    return f"the worker's last heartbeat is {age:.0f} s old" if age > HEARTBEAT_SECONDS else None


def _no_answer_at(port: int) -> str | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/ok")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"/ok: {type(error).__name__}"
    finally:
        connection.close()
    return None if status == _OK else f"/ok answers {status}"


def main(arguments: Sequence[str]) -> int:
    """Say what is wrong, and return the exit code."""
    try:
        metrics_dir, port = Path(arguments[0]), int(arguments[1])
    except (IndexError, ValueError):
        sys.stderr.write("usage: python -m outrigger_server.health METRICS_DIR PORT\n")
        return _USAGE
    fault = fault_of(metrics_dir, port)
    sys.stdout.write(f"{fault or 'well'}\n")
    return 0 if fault is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
