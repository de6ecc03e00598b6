"""Who may ask, and how: credentials, TLS, and the limits of a connection. Refusals are counted."""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from harness.tls import make_certificate
from outrigger_sidecar.errors import ConfigurationError
from outrigger_sidecar.http.auth import Credentials, Guard
from outrigger_sidecar.http.connection import Limits
from outrigger_sidecar.http.serving import Certificate, http_server
from outrigger_sidecar.settings import load_settings
from outrigger_telemetry.metric_specs import SIDECAR_REFUSED_TOTAL
from outrigger_telemetry.metrics import Metrics, local_metrics

SHORT = 0.3
PATIENCE = 10.0


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def refused(metrics: Metrics) -> dict[str, float]:
    reasons = SIDECAR_REFUSED_TOTAL.labels[0].values
    counts = {each: metrics.value(SIDECAR_REFUSED_TOTAL, reason=each) for each in reasons}
    return {reason: count for reason, count in counts.items() if count}


async def told(request: Request) -> Response:
    del request
    return PlainTextResponse("much")


@asynccontextmanager
async def serving(
    metrics: Metrics,
    limits: Limits | None = None,
    certificate: Certificate | None = None,
    credentials: Credentials | None = None,
) -> AsyncIterator[int]:
    """Serve on a port of loopback until the block ends."""
    guard = Guard(credentials or Credentials(), metrics)
    app = Starlette(routes=[Route("/told", guard.protect(told))])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = http_server(app, metrics, certificate, limits or Limits())
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


@pytest.fixture
def metrics() -> Metrics:
    return local_metrics([SIDECAR_REFUSED_TOTAL])


@pytest.mark.parametrize(
    ("credentials", "header", "passes"),
    [
        (Credentials(), "", True),
        (Credentials(token="long-token"), "", False),
        (Credentials(token="long-token"), "Bearer long-token", True),
        (Credentials(token="long-token"), "Bearer long-toke", False),
        (Credentials(user="u", password="long-pass"), "Bearer long-pass", False),
        (Credentials(user="u", password="long-pass"), basic("u", "long-pass"), True),
        (Credentials(user="u", password="long-pass"), basic("u", "wrong"), False),
        (Credentials(user="u", password="long-pass"), basic("v", "long-pass"), False),
        (Credentials(token="t", user="u", password="p"), basic("u", "p"), True),
        (Credentials(token="t", user="u", password="p"), "Bearer t", True),
        (Credentials(user="ü", password="pässword"), basic("ü", "pässword"), True),
    ],
)
async def test_who_shows_the_right_credentials_passes_and_others_are_counted(
    metrics: Metrics, credentials: Credentials, header: str, passes: bool
) -> None:
    async with (
        serving(metrics, credentials=credentials) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        response = await http.get("/told", headers={"authorization": header} if header else {})

    assert response.status_code == (200 if passes else 401)
    assert refused(metrics) == ({} if passes else {"credentials": 1})
    if not passes:
        schemes = response.headers["www-authenticate"]
        assert ("Bearer" in schemes) == bool(credentials.token)
        assert ("Basic" in schemes) == bool(credentials.user)


async def answer_to(port: int, *pieces: bytes) -> bytes:
    """Send these pieces and return what comes until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("begun", [b"", b"GET /told HTTP/1.1\r\nhost: x\r\n"])
async def test_a_sender_that_never_ends_its_head_is_let_go(metrics: Metrics, begun: bytes) -> None:
    async with serving(metrics, Limits(head_seconds=SHORT)) as port:
        answer = await answer_to(port, begun)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert refused(metrics) == {"slow": 1}


async def test_a_kept_connection_has_its_time_for_each_head(metrics: Metrics) -> None:
    whole = b"GET /told HTTP/1.1\r\nhost: x\r\n\r\n"
    async with serving(metrics, Limits(head_seconds=SHORT)) as port:
        answer = await answer_to(port, whole, b"GET /told HT")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answer
    assert refused(metrics) == {"slow": 1}


async def test_a_head_that_is_too_large_is_refused(metrics: Metrics) -> None:
    async with serving(metrics, Limits(head_bytes=4096)) as port:
        endless = b"GET /told HTTP/1.1\r\n" + b"x-a: " + b"a" * 8000
        answer = await answer_to(port, endless)
        fits = await answer_to(
            port, b"GET /told HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-a: aa\r\n\r\n"
        )

    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert fits.startswith(b"HTTP/1.1 200 ")
    assert refused(metrics) == {"too_large": 1}


async def test_one_connection_too_many_is_refused_and_the_others_go_on(metrics: Metrics) -> None:
    async with serving(metrics, Limits(connections=2, head_seconds=PATIENCE)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        answer = await answer_to(port)
        held[0][1].write(b"GET /told HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        goes_on = await held[0][0].read()
        for _, writer in held:
            writer.close()

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert goes_on.startswith(b"HTTP/1.1 200 ")
    assert refused(metrics) == {"busy": 1}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


async def test_tls_is_spoken_with_the_certificate_that_is_set(
    metrics: Metrics, certificate: Certificate
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate.chain))
    async with serving(metrics, certificate=certificate) as port:
        async with httpx.AsyncClient(verify=trusting) as http:
            response = await http.get(f"https://127.0.0.1:{port}/told")
        async with httpx.AsyncClient() as http:
            with pytest.raises(httpx.HTTPError):
                await http.get(f"http://127.0.0.1:{port}/told")

    assert (response.status_code, response.text) == (200, "much")


Pair = dict[str, str]


@pytest.mark.parametrize(
    "pair",
    [
        {"OUTRIGGER_SIDECAR_USER": "u"},
        {"OUTRIGGER_SIDECAR_PASSWORD": "long-password"},
        {"OUTRIGGER_SIDECAR_TLS_CERT": "cert.pem"},
        {"OUTRIGGER_SIDECAR_TLS_KEY": "key.pem"},
    ],
)
def test_half_of_a_pair_stops_the_start(pair: Pair) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(pair, {})

    (fault,) = caught.value.faults
    assert " is set without OUTRIGGER_SIDECAR_" in fault
    assert "long-password" not in fault


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.unlink(), "no such file or directory"),
        (lambda path: path.write_text("rubbish"), "no certificate with its key"),
    ],
)
def test_files_of_tls_that_cannot_be_used_stop_the_start(
    tmp_path: Path, certificate: Certificate, spoil: Callable[[Path], None], reason: str
) -> None:
    from outrigger_sidecar.app import run

    key = tmp_path / "key.pem"
    key.write_bytes(certificate.key.read_bytes())
    spoil(key)
    environ = {
        "OUTRIGGER_SIDECAR_TLS_CERT": str(certificate.chain),
        "OUTRIGGER_SIDECAR_TLS_KEY": str(key),
    }

    with pytest.raises(ConfigurationError) as caught:
        asyncio.run(run(load_settings(environ, {"port": 0})))

    assert reason in str(caught.value)
