"""nginx with the shipped files in front of servers that the test makes up."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from harness.processes import clean_environment
from harness.tls import make_certificate
from harness.topology.containers import Container, stopped_at_the_end
from harness.topology.names import names_served
from harness.topology.shipped import nginx_files
from harness.topology.way_in import WayIn


@pytest.fixture(scope="module")
def way_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WayIn]:
    """nginx, which finds three servers by name; the third is never there."""
    folder: Path = tmp_path_factory.mktemp("nginx")
    network = f"127.{64 + secrets.randbelow(128)}.{secrets.randbelow(256)}"
    address, names = f"{network}.2", f"{network}.3"
    servers = [f"{network}.{number}" for number in (11, 12, 13)]
    made = make_certificate(folder)
    tls = {"tls_certificate": made.chain, "tls_key": made.key}
    conf = nginx_files(folder / "conf", address, f"{names}:5353", tls=tls)
    (folder / "prefix").mkdir()
    command = ["nginx", "-p", f"{folder}/prefix/", "-c", str(conf), "-g", "daemon off;"]

    def healthy() -> bool:
        try:
            return httpx.get(f"http://{address}:8081/livez", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    nginx = Container("nginx", command, clean_environment(), folder, healthy)
    services = {"server": servers, "server-sidecar": [servers[0]]}
    with ExitStack() as stack:
        stack.enter_context(names_served(names, 5353, services))
        stack.enter_context(stopped_at_the_end([nginx]))
        nginx.start()
        nginx.wait_until_healthy()
        yield WayIn(address, servers, nginx, made.chain)
