"""Limits of rate, alone and over two API processes: who is refused, how, and where it shows."""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.cluster import Cluster, started_cluster
from harness.leaks import SECRETS
from harness.metrics_page import read_metrics, until_page
from harness.postgres import PostgresServer
from harness.processes import Server, started_server
from harness.redis import RedisServer
from harness.sidecar import started_sidecar
from outrigger_server.api.auth.api_keys import digest_of, new_key

pytestmark = pytest.mark.end_to_end

PLAIN, RUNS = 3, 1
LIMITS = {
    "OUTRIGGER_RATE_LIMIT_PLAIN": f"{PLAIN}/day",
    "OUTRIGGER_RATE_LIMIT_RUNS": f"{RUNS} per day",
}
LIMITED = "langgraph_rate_limited_total"
REFUSED = "langgraph_auth_failures_total"


class Keys:
    """The keys of several callers, and the settings that let them in."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.by_name = {name: SECRETS.note(f"the key of {name}", new_key()) for name in names}
        file = folder / "keys"
        file.write_text("".join(f"{n}:{digest_of(key)}\n" for n, key in self.by_name.items()))
        self.environment = {"OUTRIGGER_AUTH": "api_key", "OUTRIGGER_API_KEYS_FILE": str(file)}

    def of(self, name: str) -> dict[str, str]:
        return {"x-api-key": self.by_name[name]}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"), "ann", "bob", "eve")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Iterator[Server]:
    environment = {
        **LIMITS,
        **keys.environment,
        "OUTRIGGER_LG_API_METRICS": "true",
        "OUTRIGGER_TRUSTED_PROXIES": "127.0.0.1",
        "OUTRIGGER_CORS_ORIGINS": "https://app.example.org",
    }
    folder = tmp_path_factory.mktemp("limited")
    with started_server(folder / "data", sidecar=True, environment=environment) as server:
        yield server


async def test_a_caller_over_its_limit_and_one_without_a_key_are_refused_and_counted(
    server: Server, http: httpx.AsyncClient, keys: Keys
) -> None:
    before, earlier = read_metrics(server.sidecar_url), await refusals(http)
    for left in reversed(range(PLAIN)):
        answer = await http.post("/threads", json={}, headers=keys.of("ann"))
        assert answer.status_code == 200
        assert answer.headers["ratelimit-limit"] == str(PLAIN)
        assert answer.headers["ratelimit-remaining"] == str(left)
    limited = await http.post("/threads", json={}, headers=keys.of("ann"))
    assert limited.status_code == 429
    text = f"Too many requests: {PLAIN} in 86400 seconds are allowed (OUTRIGGER_RATE_LIMIT_PLAIN)"
    assert limited.json() == {"detail": text}
    assert 1 <= int(limited.headers["retry-after"]) <= 86400
    assert limited.headers["cache-control"] == "no-store"

    stranger = await http.post("/threads", json={})
    assert stranger.status_code == 401
    assert list(stranger.json()) == ["detail"]
    assert stranger.headers["www-authenticate"] == "Bearer"
    assert "ratelimit-limit" not in stranger.headers

    other = await http.post("/threads", json={}, headers=keys.of("bob"))
    assert other.status_code == 200
    page = await until_page(
        server.sidecar_url,
        lambda page: (
            page.value(LIMITED, route_class="plain") - before.value(LIMITED, route_class="plain")
            == 1
            and page.value(REFUSED, reason="missing") - before.value(REFUSED, reason="missing") == 1
        ),
    )
    assert page.growth(before, "langgraph_rate_limited_total") == {
        frozenset({("route_class", "plain")}): 1.0
    }
    assert await refusals(http) == earlier + Counter({401: 1, 429: 1})


async def refusals(http: httpx.AsyncClient) -> Counter[int]:
    """What the server's own page counts as answered before their route was known."""
    own = (await http.get("/metrics", params={"format": "json"})).json()["api"]
    rows = (each for each in own["http_requests_total"] if not each["path"])
    return Counter({each["status"]: each["count"] for each in rows if each["status"] in {401, 429}})


async def test_runs_are_counted_apart_and_a_batch_as_all_of_them(
    http: httpx.AsyncClient, keys: Keys
) -> None:
    run = {"assistant_id": "probe_async", "input": {}}
    before = await http.post("/threads/count", json={}, headers=keys.of("eve"))
    batch = await http.post("/runs/batch", json=[run] * (RUNS + 1), headers=keys.of("eve"))
    assert batch.status_code == 429, batch.text
    assert f"this one asks for {RUNS + 1} at once" in batch.json()["detail"]
    assert batch.headers["retry-after"] == batch.headers["ratelimit-reset"]
    refused = await http.post("/runs", json=run, headers=keys.of("eve"))
    assert refused.status_code == 429
    after = await http.post("/threads/count", json={}, headers=keys.of("eve"))
    assert (after.status_code, after.json()) == (200, before.json())


async def test_probes_are_asked_for_no_key_and_never_refused(http: httpx.AsyncClient) -> None:
    for path in ("/ok", "/info", "/metrics"):
        for _ in range(2 * PLAIN):
            answer = await http.get(path)
            assert (answer.status_code, "ratelimit-limit" in answer.headers) == (200, False)


async def test_answers_tell_browsers_what_they_may(http: httpx.AsyncClient) -> None:
    origin = {"origin": "https://app.example.org", "x-forwarded-proto": "https"}
    answer = await http.get("/info", headers=origin)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "retry-after" in answer.headers["access-control-expose-headers"]
    page = await http.get("/docs")
    policy = page.headers["content-security-policy"]
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "'unsafe-inline'" not in policy.partition("style-src")[0]
    for place in re.findall(r'(?:src|href)="(https://[^/]+)', page.text):
        assert place in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("trusted", "codes"),
    [
        ({"OUTRIGGER_TRUSTED_PROXIES": "127.0.0.0/8"}, [200] * (PLAIN + 1)),
        ({}, [*[200] * PLAIN, 429]),
    ],
    ids=["trusted", "not trusted"],
)
def test_without_keys_a_caller_is_its_address_as_a_trusted_proxy_tells_it(
    tmp_path: Path, trusted: dict[str, str], codes: list[int]
) -> None:
    with (
        started_server(tmp_path / "data", environment={**LIMITS, **trusted}) as server,
        httpx.Client(base_url=server.url) as http,
    ):
        claims = [
            {"x-forwarded-for": f"203.0.113.{n}", "x-api-key": f"unchecked-{n}"}
            for n in range(PLAIN + 1)
        ]
        answers = [http.post("/threads", json={}, headers=each) for each in claims]
    assert [each.status_code for each in answers] == codes


@pytest.fixture
def cluster(
    tmp_path: Path, postgres_server: PostgresServer, redis_server: RedisServer, keys: Keys
) -> Iterator[Cluster]:
    redis_server.start()
    redis_server.clear()
    with (
        postgres_server.fresh_database() as uri,
        started_cluster(
            tmp_path,
            postgres_uri=uri,
            redis_uri=redis_server.url,
            apis=2,
            workers=0,
            environment={**LIMITS, **keys.environment},
        ) as cluster,
    ):
        yield cluster


async def test_two_processes_hold_one_limit_and_without_redis_each_its_own(
    cluster: Cluster, redis_server: RedisServer, keys: Keys, tmp_path: Path
) -> None:
    async def create(url: str, name: str = "ann") -> httpx.Response:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            return await http.post("/threads", json={}, headers=keys.of(name))

    first, second = cluster.api_urls
    answers = [await create(url) for url in (first, second, first, second, first)]
    assert [each.status_code for each in answers] == [*[200] * PLAIN, 429, 429]
    assert answers[1].headers["ratelimit-remaining"] == str(PLAIN - 2)
    async with httpx.AsyncClient() as http:
        assert (await http.post(f"{second}/threads", json={})).status_code == 401

    metrics = tmp_path / "api-1" / "metrics"
    with started_sidecar(tmp_path, "--target", second, "--metrics-dir", str(metrics)) as sidecar:
        page = read_metrics(sidecar)
        assert page.value(LIMITED, route_class="plain") == 1
        assert page.value(REFUSED, reason="missing") == 1

    redis_server.kill()
    try:
        alone = [await create(url, "bob") for url in (first, second) * (PLAIN + 1)]
    finally:
        redis_server.start()
    codes = [each.status_code for each in alone]
    assert codes == [*[200] * 2 * PLAIN, 429, 429]
    for program in cluster.apis:
        assert program.log.read_text().count('"counting_alone"') == 1
