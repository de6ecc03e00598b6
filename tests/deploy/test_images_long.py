"""The images are built from their Dockerfiles and docker-compose.yml is brought up for real.

Where no registry can be reached, stand-ins made of Debian's packages take the place of images that
would come from one; everything of ours is what is shipped.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_sync_client

from harness.engine.engine import BASE, STAND_INS, Engine, started_engine
from harness.history import marks
from harness.processes import ROOT
from harness.runs import probe_input
from harness.topology.compose import compose_file
from outrigger_loadtests.faults.programs import free_port

pytestmark = [pytest.mark.end_to_end, pytest.mark.long]

OURS = {"server/Dockerfile": "outrigger-server", "sidecar/Dockerfile": "outrigger-sidecar"}
BUILT = OURS | {"loadtests/Dockerfile": "outrigger-loadtests"}
VERSION = "0.1.0"
HEALTH_SECONDS = 180.0
USER = "10001:10001"
ENDS_BY_ITSELF = {"migrate", "loadtest"}


@dataclass(frozen=True)
class Deployment:
    """What compose has brought up."""

    engine: Engine
    folder: Path
    variables: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.variables['HTTP_PORT']}"

    @property
    def api_key(self) -> str:
        return (self.folder / "deploy" / "secrets" / "api_key").read_text()

    def compose(self, *words: str) -> str:
        return self.engine.compose(self.folder, self.variables, *words)

    def containers(self) -> list[dict[str, Any]]:
        """What the engine knows of each container."""
        names = self.engine.docker("ps", "-aq").split()
        found: list[dict[str, Any]] = json.loads(self.engine.docker("inspect", *names))
        return found

    def of(self, service: str) -> list[dict[str, Any]]:
        """The containers of one service."""
        return [each for each in self.containers() if service_of(each) == service]


def service_of(container: dict[str, Any]) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    subprocess.run(["sh", str(ROOT / "tests" / "harness" / "install_engine.sh")], check=True)
    with started_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="module")
def images(engine: Engine) -> dict[str, str]:
    """Ours, built; by Dockerfile."""
    for dockerfile, name in BUILT.items():
        words = ["--network", "host", "-f", str(ROOT / dockerfile), "-t", f"{name}:{VERSION}"]
        engine.docker("build", *words, str(ROOT))
    return {dockerfile: f"{name}:{VERSION}" for dockerfile, name in BUILT.items()}


@pytest.fixture(scope="module")
def deployment(
    engine: Engine, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    files = subprocess.run(
        ["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=files, check=True)
    subprocess.run(["sh", "deploy/secrets.sh"], cwd=folder, check=True)
    variables = {
        "HTTP_PORT": str(free_port()),
        "GRAFANA_PORT": str(free_port()),
        "OUTRIGGER_CONFIG": "/app/probe/langgraph.json",
        "LOADTEST_USERS": "3",
        "LOADTEST_TIME": "5s",
    }
    found = Deployment(engine, folder, variables)
    try:
        found.compose("up", "--detach", "--no-build")
        yield found
    finally:
        found.compose("down", "--volumes", "--timeout", "20")


def until_healthy(deployment: Deployment) -> dict[str, str]:
    """Return how each service is, once none is still starting."""
    deadline = time.monotonic() + HEALTH_SECONDS
    while True:
        states = [(service_of(each), each["State"]) for each in deployment.containers()]
        told = {
            name: state.get("Health", {}).get("Status", state["Status"]) for name, state in states
        }
        waiting = {name for name, how in told.items() if how != "healthy"} - ENDS_BY_ITSELF
        if not waiting:
            return told
        logs = partial(deployment.compose, "logs", "--tail", "20")
        assert time.monotonic() < deadline, f"{told}\n{logs(*waiting)}"
        time.sleep(0.5)


def test_stand_ins_are_made_for_all_images_of_others() -> None:
    services = compose_file().services.values()
    foreign = {each["image"] for each in services if "build" not in each}
    assert set(STAND_INS.values()) == foreign


@pytest.mark.parametrize("dockerfile", OURS)
def test_an_image_runs_as_nobody_special_with_a_health_check(
    engine: Engine, images: dict[str, str], dockerfile: str
) -> None:
    (found,) = json.loads(engine.docker("image", "inspect", images[dockerfile]))
    assert found["Config"]["User"] == USER
    assert found["Config"]["Healthcheck"]["Test"][0] == "CMD"
    assert found["Config"]["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_the_image_of_the_sidecar_has_nothing_of_langgraph(
    engine: Engine, images: dict[str, str]
) -> None:
    listed = engine.docker(
        *("run", "--rm", "--network", "none", "--read-only", images["sidecar/Dockerfile"]),
        *("sh", "-c", "ls -1 /opt/outrigger/lib/python3*/site-packages"),
    ).split()
    assert "outrigger_sidecar" in listed
    strange = ("langgraph", "langchain", "fastapi", "locust", "outrigger_server")
    assert [name for name in listed if name.startswith(strange)] == [
        f"langgraph_outrigger-{VERSION}.dist-info"
    ]


def test_every_service_gets_well(deployment: Deployment) -> None:
    told = until_healthy(deployment)
    services = {
        name for name, content in compose_file().services.items() if "profiles" not in content
    }
    assert told.keys() == services
    (migrate,) = deployment.of("migrate")
    assert (migrate["State"]["Status"], migrate["State"]["ExitCode"]) == ("exited", 0)
    assert len(deployment.of("server")) == len(deployment.of("worker")) == 2
    assert {each["RestartCount"] for each in deployment.containers()} == {0}


def test_the_sdk_works_through_nginx(deployment: Deployment) -> None:
    until_healthy(deployment)
    with get_sync_client(url=deployment.url, api_key=deployment.api_key) as client:
        thread = client.threads.create()
        values: Any = client.runs.wait(
            thread["thread_id"], "probe_async", input=probe_input("C", 0.1)
        )
        stream = client.runs.stream(
            thread["thread_id"], "probe_async", input=probe_input("S", 0.1), stream_mode="updates"
        )
        nodes = [name for part in stream if part.event == "updates" for name in part.data]
    assert values["log"] == marks("C")
    assert nodes == ["first", "middle", "last"]
    assert httpx.post(f"{deployment.url}/threads", json={}).status_code == 401
    health = httpx.get(f"{deployment.url}/health")
    assert (health.status_code, health.json()["status"]) == (200, "healthy")


def test_only_nginx_and_grafana_are_published(deployment: Deployment) -> None:
    published = {
        service_of(each)
        for each in deployment.containers()
        if any(each["NetworkSettings"]["Ports"].values())
    }
    assert published == {"nginx", "grafana"}


def test_the_targets_of_prometheus_are_up(deployment: Deployment) -> None:
    until_healthy(deployment)
    question = "http://localhost:9090/api/v1/query?query=up%20%3D%3D%201"
    wanted = {"outrigger-server", "outrigger-worker", "prometheus"}
    deadline = time.monotonic() + HEALTH_SECONDS
    while True:
        told = deployment.compose("exec", "-T", "prometheus", "wget", "-q", "-O", "-", question)
        series = json.loads(told)["data"]["result"]
        up = {each["metric"]["job"] for each in series}
        if up == wanted:
            return
        assert time.monotonic() < deadline, told
        time.sleep(0.5)


def test_nginx_finds_a_server_that_comes_later(deployment: Deployment) -> None:
    deployment.compose("up", "--detach", "--no-build", "--scale", "server=3")
    until_healthy(deployment)
    assert len(deployment.of("server")) == 3
    addresses = {
        network["IPAddress"]
        for each in deployment.of("server")
        for name, network in each["NetworkSettings"]["Networks"].items()
        if name.endswith("edge")
    }
    deadline = time.monotonic() + HEALTH_SECONDS
    while True:
        assert httpx.get(f"{deployment.url}/ok").status_code == 200
        said = deployment.compose("logs", "--no-color", "nginx")
        if all(f'"upstreams":"{address}:8000"' in said for address in addresses):
            return
        assert time.monotonic() < deadline, f"{addresses} are not all asked"


def test_locust_comes_in_through_nginx(deployment: Deployment) -> None:
    until_healthy(deployment)
    said = deployment.compose("--profile", "loadtest", "run", "--rm", "-T", "loadtest")
    assert "Aggregated" in said
    assert "stream interrupt total" in said


def test_an_image_for_graphs_of_ones_own(engine: Engine, tmp_path: Path) -> None:
    """`outrigger dockerfile`, with the wheel of these sources in place of a release."""
    wheel = [str(Path(sys.executable).with_name("uv")), "build", "--wheel", "--quiet"]
    subprocess.run([*wheel, "--out-dir", str(tmp_path), str(ROOT)], check=True)
    (found,) = tmp_path.glob("*.whl")
    for name in ("graphs.py", "langgraph.json"):
        (tmp_path / name).write_text((ROOT / "loadtests" / "probe" / name).read_text())
    content = json.loads((tmp_path / "langgraph.json").read_text())
    content |= {"env": {"TOKEN": "hunter2-is-secret"}, "python_version": "3.12"}
    (tmp_path / "langgraph.json").write_text(json.dumps(content))
    outrigger = str(Path(sys.executable).with_name("outrigger"))
    words = ["dockerfile", "--config", str(tmp_path / "langgraph.json")]
    subprocess.run([outrigger, *words, "-o", str(tmp_path / "Dockerfile")], check=True)
    assert BASE in (tmp_path / "Dockerfile").read_text()
    serving = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    port = free_port()
    with subprocess.Popen([*serving, str(port)], stderr=subprocess.DEVNULL) as index:
        try:
            source = f"langgraph-outrigger[server] @ http://127.0.0.1:{port}/{found.name}"
            engine.docker(
                *("build", "--network", "host", "--build-arg", f"OUTRIGGER={source}"),
                *("-t", "own-graphs", str(tmp_path)),
            )
        finally:
            index.terminate()
    run = ("run", "--rm", "--network", "none", "--read-only", "own-graphs")
    assert "hunter2" not in engine.docker(*run, "cat", "/app/langgraph.json")
    assert "hunter2" not in engine.docker("history", "--no-trunc", "own-graphs")
    loaded = (
        "from pathlib import Path; from outrigger_server.graphs.manifest import load_manifest; "
    )
    loaded += "print(sorted(load_manifest(Path('/app/langgraph.json'), {}).graphs))"
    assert "probe_async" in engine.docker(*run, "python", "-c", loaded)
