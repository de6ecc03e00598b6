"""The sidecar as a real process, beside a server that is frozen and killed."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from fakes import frozen_server
from fakes.run_file import RunFile

PATIENCE = 15.0
FENCED = 'langgraph_fenced_writes_total{kind="store"}'
STREAMS = 'langgraph_streams_active{mode="values"}'


class Sidecar:
    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5)

    def health(self) -> dict[str, Any]:
        body: dict[str, Any] = self.client.get("/health").json()
        return body

    def metrics(self) -> dict[str, float]:
        lines = self.client.get("/metrics").text.splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(stack: ExitStack, *command: str, **options: Any) -> subprocess.Popen[bytes]:
    process = stack.enter_context(
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    )
    stack.callback(end, process)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()


def start_server(stack: ExitStack, data: Path) -> tuple[subprocess.Popen[bytes], int]:
    program = str(Path(frozen_server.__file__))
    process = start(stack, sys.executable, program, str(data / "metrics"))
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def start_sidecar(
    stack: ExitStack, data: Path, target: int, *flags: str, **environment: str
) -> Sidecar:
    process = start(
        stack,
        *(sys.executable, "-m", "outrigger_sidecar.cli", "--port", "0", *flags),
        *("--target", f"http://127.0.0.1:{target}", "--data-dir", str(data)),
        env={**os.environ, "OUTRIGGER_LOG_FORMAT": "json", **environment},
        start_new_session=True,
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["event"] == "sidecar_started"
    sidecar = Sidecar(process, first["port"])
    stack.callback(sidecar.client.close)
    wait_until(lambda: sidecar.client.get("/startupz").status_code == 200)
    return sidecar


def wait_until(condition: Callable[[], bool]) -> float:
    """Return how long it took until `condition` held."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < PATIENCE, "waited in vain"
        select.select([], [], [], 0.02)
    return time.monotonic() - started


def test_frozen_server_is_seen_and_metrics_go_on(tmp_path: Path, stack: ExitStack) -> None:
    RunFile(tmp_path / "outrigger.db")
    server, port = start_server(stack, tmp_path)
    sidecar = start_sidecar(stack, tmp_path, port)
    assert sidecar.health()["status"] == "healthy"
    assert sidecar.client.get("/readyz").status_code == 200

    server.send_signal(signal.SIGSTOP)
    down = wait_until(lambda: sidecar.client.get("/health").status_code == 503)
    started = time.perf_counter()
    page = sidecar.metrics()
    scrape = time.perf_counter() - started

    assert down < 6
    assert "no answer" in sidecar.health()["checks"]["server"]["detail"]
    assert sidecar.client.get("/livez").status_code == 200
    assert sidecar.client.get("/readyz").status_code == 503
    assert scrape < 0.5  # 10 ms on an idle machine
    assert page[FENCED] == 7
    assert page[STREAMS] == 3
    assert page['langgraph_health_status{check="server",state="failed"}'] == 1
    assert any(name.startswith('process_threads{role="server"') for name in page)

    server.send_signal(signal.SIGCONT)
    assert wait_until(lambda: sidecar.client.get("/health").status_code == 200) < 4


def test_a_check_that_changes_is_logged_once_and_counted_and_the_page_tells_of_itself(
    tmp_path: Path, stack: ExitStack
) -> None:
    RunFile(tmp_path / "outrigger.db")
    server, port = start_server(stack, tmp_path)
    sidecar = start_sidecar(stack, tmp_path, port)
    failed = 'langgraph_health_transitions_total{check="server",state="failed"}'
    checked = 'langgraph_health_check_seconds_count{check="server"}'
    before = sidecar.metrics()

    server.kill()
    wait_until(lambda: sidecar.metrics()[failed] == 1)
    many = before[checked] + 6
    wait_until(lambda: sidecar.metrics()[checked] >= many)
    page = sidecar.metrics()
    sidecar.process.terminate()
    output = sidecar.process.communicate()[0].decode().splitlines()

    assert before['langgraph_health_transitions_total{check="server",state="ok"}'] == 1
    assert page[failed] == 1
    lines = [json.loads(line) for line in output]
    changes = [line for line in lines if line["event"] == "check_changed"]
    assert [each["after"] for each in changes if each["check"] == "server"][-1:] == ["failed"]
    assert sum(each["after"] == "failed" for each in changes if each["check"] == "server") == 1
    assert 0 <= page['langgraph_health_check_age_seconds{check="server"}'] < 6
    assert sum(v for k, v in page.items() if k.startswith("langgraph_sidecar_build_info{")) == 1


def test_counts_of_a_killed_server_stay_and_its_gauges_go(tmp_path: Path, stack: ExitStack) -> None:
    RunFile(tmp_path / "outrigger.db")
    server, port = start_server(stack, tmp_path)
    sidecar = start_sidecar(stack, tmp_path, port)
    assert sidecar.metrics()[STREAMS] == 3

    server.kill()
    server.wait()

    seen = []

    def is_folded() -> bool:
        page = sidecar.metrics()
        seen.append(page[FENCED])
        assert page.get(STREAMS, 0) == 0
        return not list((tmp_path / "metrics").glob("*.lock"))

    wait_until(is_folded)
    start_server(stack, tmp_path)
    assert sidecar.metrics()[FENCED] == 14
    assert set(seen) == {7}


def test_sigterm_ends_it_with_exit_code_0(tmp_path: Path, stack: ExitStack) -> None:
    sidecar = start_sidecar(stack, tmp_path, 1)
    hanging = stack.enter_context(socket.create_connection(("127.0.0.1", sidecar.port)))
    hanging.sendall(b"GET /health HTTP/1.1\r\n")

    sidecar.process.terminate()

    assert sidecar.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end_of_stdin_ends_it_and_a_signal_that_its_parent_got_too_does_not(
    tmp_path: Path, stack: ExitStack, number: signal.Signals
) -> None:
    sidecar = start_sidecar(stack, tmp_path, 1, "--stop-with-stdin")
    sidecar.process.send_signal(number)
    assert sidecar.client.get("/livez").status_code == 200

    assert sidecar.process.stdin is not None
    sidecar.process.stdin.close()

    assert sidecar.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("host", "credentials", "warnings"),
    [
        ("127.0.0.1", {}, set()),
        ("0.0.0.0", {}, {"sidecar_open_to_network", "relay_open_to_network"}),
        ("0.0.0.0", {"SIDECAR_TOKEN": "long-token"}, {"relay_open_to_network"}),
        ("0.0.0.0", {"RELAY_KEY": "long-key"}, {"sidecar_open_to_network"}),
    ],
)
def test_it_warns_of_what_strangers_may_do(
    tmp_path: Path,
    stack: ExitStack,
    host: str,
    credentials: dict[str, str],
    warnings: set[str],
) -> None:
    environment = {f"OUTRIGGER_{name}": value for name, value in credentials.items()}
    sidecar = start_sidecar(stack, tmp_path, 1, "--host", host, **environment)
    sidecar.process.terminate()
    assert sidecar.process.stdout is not None
    lines = [json.loads(line) for line in sidecar.process.stdout]

    open_to = {line["event"] for line in lines if line["event"].endswith("_open_to_network")}
    assert open_to == warnings


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = _run("--port", port, "--data-dir", str(tmp_path))

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"outrigger-sidecar: cannot listen on 127.0.0.1:{port}: address already in use;"
        " choose another with --host or --port\n"
    )


def test_wrong_settings_are_one_clear_line() -> None:
    result = _run("--port", "70000", OUTRIGGER_SIDECAR_TARGETT="x")

    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "--port is '70000'" in result.stderr
    assert "did you mean OUTRIGGER_SIDECAR_TARGET?" in result.stderr


def _run(*flags: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "outrigger_sidecar.cli", *flags],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
