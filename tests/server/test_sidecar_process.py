"""What the sidecar of `outrigger up` is told, and where the server finds it."""

import pytest

from outrigger_server.settings import load_settings
from outrigger_server.sidecar_process import (
    PLAIN_PORT,
    TLS,
    sidecar_environment,
    url_from_here,
    with_plain_port,
)


def environment(given: dict[str, str], later: dict[str, str]) -> dict[str, str]:
    """The sidecar's, when the server was started with `given` and graphs brought `later`."""
    return sidecar_environment(load_settings(given).scale, {**given, **later})


def test_it_reads_the_databases_of_the_server_and_the_rest_of_its_environment() -> None:
    given = {"DATABASE_URI": "postgresql://me:secret@db/a", "REDIS_URI": "redis://r"}

    assert environment(given, {"PATH": "/bin"}) == {
        "POSTGRES_URI": "postgresql://me:secret@db/a",
        "REDIS_URI": "redis://r",
        "PATH": "/bin",
    }


def test_a_database_that_only_the_graphs_were_given_is_not_the_servers() -> None:
    graphs = {"POSTGRES_URI": "postgresql://graphs", "REDIS_URI": "redis://graphs"}

    assert environment({}, {**graphs, "DATABASE_URI": "postgresql://graphs"}) == {}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:9464"),
        ("0.0.0.0", "http://127.0.0.1:9464"),
        ("10.0.0.7", "http://10.0.0.7:9464"),
        ("::1", "http://[::1]:9464"),
    ],
)
def test_the_server_finds_it_where_it_listens(host: str, url: str) -> None:
    assert url_from_here(host, 9464, {}) == url


def test_with_tls_the_server_finds_it_at_a_port_of_loopback_without() -> None:
    chosen = with_plain_port({TLS: "cert.pem"})

    assert url_from_here("0.0.0.0", 9464, chosen) == f"http://127.0.0.1:{chosen[PLAIN_PORT]}"
    given = {TLS: "cert.pem", PLAIN_PORT: "4711"}
    assert with_plain_port(given) == given
    assert with_plain_port({}) == {}
