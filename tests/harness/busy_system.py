"""A whole system under load: server, worker, sidecars, databases, a service for traces.

Everything is real but the models, which say what they cost, and the service that traces go to.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph_sdk import get_sync_client
from prometheus_client import CollectorRegistry, start_http_server

from harness.cluster import Program
from harness.langsmith_double import KEY, LangSmith
from harness.postgres import PostgresServer
from harness.processes import PROBES, TEST_GRAPHS, Server, started_server
from harness.receiver import Receiver, started_receiver
from harness.redis import RedisServer
from harness.runs import probe_input
from harness.sidecar import started_sidecar
from outrigger_loadtests.faults.programs import free_port
from outrigger_sidecar.collectors.container import ContainerCollector

TRACED = TEST_GRAPHS.parent / "traced" / "langgraph.json"
OWN_ROUTES = """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/broken")
def broken() -> None:
    raise OSError("as it has to")
"""
MANY_FAULTS = """\
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    number: int


def fail(state: State) -> State:
    raise type(f"Fault{state['number']}", (Exception,), {})("one of many")


builder = StateGraph(State)
builder.add_node("fail", fail)
builder.add_edge(START, "fail")
graph = builder.compile()
"""
LEASE_SECONDS = 2.0
SLOTS = 10
LONG_SECONDS = 6.0
QUICK = {
    "OUTRIGGER_SIDECAR_INTERVAL_SECONDS": "0.2",
    "OUTRIGGER_SIDECAR_PROBE_TIMEOUT_SECONDS": "2",
    "OUTRIGGER_SIDECAR_QUEUE_STALL_SECONDS": "2",
    "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.3",
    "OUTRIGGER_LEASE_SECONDS": str(LEASE_SECONDS),
    "OUTRIGGER_WORKER_SLOTS": str(SLOTS),
    "OUTRIGGER_RELAY_RETRY_MAX_SECONDS": "0.5",
    "OUTRIGGER_LOG_LEVEL": "warning",
}


@dataclass
class BusySystem:
    """What a test of boards and alerts harms and asks."""

    server: Server
    postgres: PostgresServer
    redis: RedisServer
    langsmith: LangSmith
    receiver: Receiver
    manifest: Path

    @property
    def addresses(self) -> list[str]:
        """Where metrics are."""
        return [self.server.sidecar_url]


def write_manifest(folder: Path) -> Path:
    """The graphs of all tests together, with webhooks to this machine, and a route that fails."""
    graphs = {}
    for manifest in (PROBES, TRACED):
        for name, place in json.loads(manifest.read_text())["graphs"].items():
            graphs[name] = str(manifest.parent / place)
    (folder / "many_faults.py").write_text(MANY_FAULTS)
    graphs["many_faults"] = "./many_faults.py:graph"
    (folder / "web.py").write_text(OWN_ROUTES)
    rules = {"url": {"disable_loopback": False}}
    http = {"app": "./web.py:app"}
    path = folder / "langgraph.json"
    path.write_text(json.dumps({"graphs": graphs, "webhooks": rules, "http": http}))
    return path


@contextmanager
def started_system(
    folder: Path, postgres: PostgresServer, redis: RedisServer, **settings: str
) -> Iterator[BusySystem]:
    """Run `outrigger up` on PostgreSQL and Redis, traced, until the block ends."""
    with ExitStack() as stack:
        langsmith = LangSmith(folder / "langsmith", free_port())
        langsmith.folder.mkdir()
        langsmith.start()
        stack.callback(langsmith.kill)
        receiver = stack.enter_context(started_receiver())
        manifest = write_manifest(folder)
        environment = {
            **QUICK,
            "POSTGRES_URI": stack.enter_context(postgres.fresh_database()),
            "REDIS_URI": redis.url,
            "OUTRIGGER_MIGRATE_ON_START": "true",
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": langsmith.url,
            "LANGSMITH_API_KEY": KEY,
            **settings,
        }
        server = stack.enter_context(
            started_server(folder / "data", config=manifest, sidecar=True, environment=environment)
        )
        yield BusySystem(server, postgres, redis, langsmith, receiver, manifest)


def started_worker(system: BusySystem) -> Program:
    """A worker beside the server, on the same databases, that is ready."""
    folder = system.server.data_dir.parent
    command = [sys.executable, "-m", "outrigger_server", "worker"]
    command += ["--config", str(system.manifest), "--data-dir", str(folder / "second")]
    environment = {**system.server.environment, "OUTRIGGER_LOG_LEVEL": "info"}
    worker = Program(command, environment, folder / "second.log")
    worker.wait_until_ready()
    return worker


def kill_a_worker_at_work(
    system: BusySystem, are_running: Callable[[int], None], runs: int = SLOTS + 4
) -> None:
    """Begin more runs than the server has slots for, and kill who has the rest of them.

    `are_running` returns once at least so many runs are running. The server runs what is left
    once its own runs have ended.
    """
    worker = started_worker(system)
    try:
        with get_sync_client(url=system.server.url, api_key=None) as client:
            for _ in range(runs):
                client.runs.create(None, "probe_async", input=probe_input("long", LONG_SECONDS))
        are_running(SLOTS + 1)
    finally:
        worker.kill()


def overflow_a_label(system: BusySystem, values: int = 105) -> None:
    """Begin runs that each end in an error of a class of its own."""
    many: list[Any] = [
        {"assistant_id": "many_faults", "input": {"number": n}} for n in range(values)
    ]
    with get_sync_client(url=system.server.url, api_key=None) as client:
        client.runs.create_batch(many)


@contextmanager
def started_onlooker(folder: Path, system: BusySystem) -> Iterator[str]:
    """A sidecar elsewhere, which knows the server's address alone."""
    with started_sidecar(folder, "--target", system.server.url) as url:
        yield url


@contextmanager
def limited_container(folder: Path) -> Iterator[str]:
    """A page with what the sidecar tells of a control group that has limits."""
    for name, text in {
        "memory.max": "1000000",
        "memory.current": "700000",
        "memory.stat": "inactive_file 100",
        "cpu.max": "150000 100000",
        "cpu.stat": "usage_usec 2500000",
    }.items():
        (folder / name).write_text(f"{text}\n")
    registry = CollectorRegistry()
    registry.register(ContainerCollector(folder))
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
