"""The services of docker-compose.yml as processes, each at an address of loopback of its own.

Commands, environments and configuration are those of the shipped files. The engine's part is
played here: names, addresses, secrets and folders in place of volumes.
"""

import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from redis import Redis
from redis.exceptions import RedisError

from harness.processes import ROOT, clean_environment
from harness.topology.compose import SECRETS_AT, ComposeFile, Service, compose_file
from harness.topology.containers import Container, stopped_at_the_end
from harness.topology.names import names_served
from harness.topology.shipped import nginx_files, prometheus_files, redis_file, secret_files
from outrigger_loadtests.faults.programs import program

RESOLVER_PORT = 5353
PROGRAMS = {
    "outrigger": [sys.executable, "-m", "outrigger_server"],
    "outrigger-sidecar": [sys.executable, "-m", "outrigger_sidecar"],
}
VARIABLES = {"OUTRIGGER_CONFIG": "/app/probe/langgraph.json"}
"""What is set in the shell that starts compose."""
HERE = {"/app/probe": ROOT / "loadtests" / "probe", "/app": ROOT / "server"}
"""What the image has under another path."""
TESTS_OWN = {"OUTRIGGER_SHUTDOWN_GRACE_SECONDS": "2"}
"""Otherwise than shipped: a test does not wait for ten seconds each time a worker stops."""


@dataclass
class Topology:
    """All processes, in the order in which they are started."""

    folder: Path
    compose: ComposeFile
    addresses: dict[str, str]
    secrets: dict[str, Path]
    containers: list[Container]

    @property
    def url(self) -> str:
        """Where people come in."""
        return f"http://{self.addresses['nginx']}:8080"

    @property
    def api_key(self) -> str:
        """The operator's."""
        return self.secrets["api_key"].read_text()

    @property
    def prometheus(self) -> str:
        """Where Prometheus is asked."""
        return f"http://{self.addresses['prometheus']}:9090"

    def container(self, name: str) -> Container:
        """One of them."""
        return next(each for each in self.containers if each.name == name)

    def environment(self, service: Service, address: str, data: Path) -> dict[str, str]:
        """What a process of this service finds in its environment."""
        volume = service.mounts.get("/run/outrigger/metrics", "none")
        paths = HERE | {
            "/run/outrigger/metrics": self.folder / volume,
            "/var/lib/outrigger": data,
            SECRETS_AT.rstrip("/"): self.folder / "secrets",
        }
        found = {
            name: self._here(value, address, paths) for name, value in service.environment.items()
        }
        return clean_environment(**found)

    def _here(self, value: str, address: str, paths: Mapping[str, Path]) -> str:
        if value == "0.0.0.0":
            return address
        for there, here in paths.items():
            if value.startswith(there):
                return f"{here}{value.removeprefix(there)}"
        for name in ("server-sidecar", "worker-sidecar", "server"):
            if value.startswith(f"http://{name}:"):
                place = self.addresses.get(name) or self.addresses[f"{name}-1"]
                return value.replace(name, place, 1)
        return value


@contextmanager
def started_topology(folder: Path, postgres_uri: str) -> Iterator[Topology]:
    """Start all services but PostgreSQL and Grafana; end them with the block."""
    compose = compose_file(VARIABLES)
    topology = Topology(folder, compose, _addresses(compose), {}, [])
    topology.secrets = _secrets(topology, postgres_uri)
    (folder / "server-metrics").mkdir()
    (folder / "worker-metrics").mkdir()
    place = topology.addresses
    with ExitStack() as stack:
        served = {
            "server": [place["server-1"], place["server-2"]],
            "server-sidecar": [place["server-sidecar"]],
        }
        stack.enter_context(names_served(place["names"], RESOLVER_PORT, served))
        stack.enter_context(stopped_at_the_end(topology.containers))
        _start(topology, [_redis(topology)])
        _migrate(topology)
        counts = {"server": 2, "worker": 2, "server-sidecar": 0, "worker-sidecar": 0}
        ours = [
            each for name, count in counts.items() for each in _outriggers(topology, name, count)
        ]
        _start(topology, [*ours, _nginx(topology), _prometheus(topology)])
        yield topology


def _addresses(compose: ComposeFile) -> dict[str, str]:
    """An address for each container, in a network that no other test is likely to have."""
    first, second = 64 + secrets.randbelow(128), secrets.randbelow(256)
    names = ["names"]
    for name, content in compose.services.items():
        count = content.get("deploy", {}).get("replicas", 1)
        names += [name] if count == 1 else [f"{name}-{number + 1}" for number in range(count)]
    return {name: f"127.{first}.{second}.{10 + number}" for number, name in enumerate(names)}


def _secrets(topology: Topology, postgres_uri: str) -> dict[str, Path]:
    found = secret_files(topology.folder / "secrets")
    address = topology.addresses["redis"]
    found["postgres_uri"].chmod(0o600)
    found["postgres_uri"].write_text(postgres_uri)
    uri = found["redis_uri"].read_text()
    found["redis_uri"].chmod(0o600)
    found["redis_uri"].write_text(uri.replace("@redis:", f"@{address}:"))
    return found


def _start(topology: Topology, containers: list[Container]) -> None:
    topology.containers += containers
    for each in containers:
        each.start()
    for each in containers:
        each.wait_until_healthy()


def _outriggers(topology: Topology, service_name: str, count: int) -> list[Container]:
    """So many of a service, numbered; one without a number for none."""
    names = [f"{service_name}-{number + 1}" for number in range(count)] or [service_name]
    return [_outrigger(topology, service_name, name) for name in names]


def _outrigger(topology: Topology, service_name: str, name: str) -> Container:
    service = topology.compose.service(service_name)
    address = topology.addresses[name]
    data = topology.folder / name
    data.mkdir()
    environment = topology.environment(service, address, data) | TESTS_OWN
    command, *rest = service.words
    healthy = {
        "server": lambda: _answers(f"http://{address}:8000/ok"),
        "server-sidecar": lambda: _answers(f"http://{address}:9464/livez"),
        "worker-sidecar": lambda: _answers(f"http://{address}:9464/livez"),
    }
    container = Container(
        name,
        [*PROGRAMS[command], *rest],
        environment,
        topology.folder,
        healthy.get(service_name, lambda: b'"event":"ready"' in container.said),
    )
    return container


def _migrate(topology: Topology) -> None:
    service = topology.compose.service("migrate")
    data = topology.folder / "migrate"
    data.mkdir()
    command, *rest = service.words
    environment = topology.environment(service, "127.0.0.1", data)
    done = subprocess.run(
        [*PROGRAMS[command], *rest], env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def _redis(topology: Topology) -> Container:
    service = topology.compose.service("redis")
    address = topology.addresses["redis"]
    conf = redis_file(topology.folder / "redis", address)
    password = topology.secrets["redis_password"]
    script = service.words[-1].replace("/etc/redis/redis.conf", str(conf))
    script = script.replace("/run/secrets/redis_password", str(password))

    def healthy() -> bool:
        try:
            with Redis(host=address, password=password.read_text(), socket_timeout=1) as client:
                return bool(client.ping())
        except RedisError:
            return False

    return Container("redis", ["sh", "-c", script], clean_environment(), topology.folder, healthy)


def _nginx(topology: Topology) -> Container:
    service = topology.compose.service("nginx")
    address = topology.addresses["nginx"]
    resolver = f"{topology.addresses['names']}:{RESOLVER_PORT}"
    conf = nginx_files(topology.folder / "nginx-conf", address, resolver)
    (topology.folder / "nginx").mkdir()
    places = {"/run/nginx/": f"{topology.folder}/nginx/", "/etc/nginx/nginx.conf": str(conf)}
    return Container(
        "nginx",
        [places.get(word, word) for word in service.words],
        clean_environment(),
        topology.folder,
        lambda: _answers(f"http://{address}:8081/livez"),
        signal.Signals[service.content["stop_signal"]],
    )


def _prometheus(topology: Topology) -> Container:
    service = topology.compose.service("prometheus")
    place = topology.addresses
    names = {name: place[name] for name in ("server-sidecar", "worker-sidecar", "alertmanager")}
    names["localhost"] = place["prometheus"]
    conf = prometheus_files(topology.folder / "prometheus", names)
    words = [
        word.replace("/etc/prometheus/prometheus.yml", str(conf)).replace(
            "=/prometheus", f"={topology.folder / 'tsdb'}"
        )
        for word in service.words
    ]
    words.append(f"--web.listen-address={place['prometheus']}:9090")
    url = f"http://{place['prometheus']}:9090/-/ready"
    command = [program("prometheus"), *words]
    return Container(
        "prometheus", command, clean_environment(), topology.folder, lambda: _answers(url)
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
