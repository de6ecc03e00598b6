"""The health check of the server's image, against the files that processes really write."""

import os
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from outrigger_loadtests.faults.programs import free_port
from outrigger_server.health import HEARTBEAT_SECONDS, fault_of, main
from outrigger_telemetry.process_files import ProcessLock


class Api(BaseHTTPRequestHandler):
    """Answers at /ok with a code that the test chooses."""

    code = 200

    def do_GET(self) -> None:
        self.send_response(self.code if self.path == "/ok" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_an_api_that_answers_is_well(tmp_path: Path, port: int) -> None:
    lock = ProcessLock(tmp_path, role="server")
    assert fault_of(tmp_path, port) is None
    assert main([str(tmp_path), str(port)]) == 0
    lock.release()


def test_an_api_that_does_not_answer_is_not(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path, role="server")
    port = free_port()
    assert fault_of(tmp_path, port) == "/ok: ConnectionRefusedError"
    assert main([str(tmp_path), str(port)]) == 1
    lock.release()


def test_an_api_without_its_database_is_not(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = ProcessLock(tmp_path, role="server")
    monkeypatch.setattr(Api, "code", 503)
    assert fault_of(tmp_path, port) == "/ok answers 503"
    lock.release()


def test_a_worker_is_well_as_long_as_its_heart_beats(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path, role="worker")
    assert "has not begun" in str(fault_of(tmp_path, 1))
    lock.beat()
    assert fault_of(tmp_path, 1) is None
    (heartbeat,) = tmp_path.glob("*.heartbeat")
    long_ago = time.time() - HEARTBEAT_SECONDS - 5
    os.utime(heartbeat, (long_ago, long_ago))
    assert "heartbeat is" in str(fault_of(tmp_path, 1))
    lock.release()


def test_a_process_that_has_ended_is_not_well(tmp_path: Path, port: int) -> None:
    assert "no process" in str(fault_of(tmp_path, port))
    ProcessLock(tmp_path, role="server").release()
    assert "no process" in str(fault_of(tmp_path, port))


def test_a_wrong_call_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
