"""What the SDK's calls come to: taken in, kept, sent on, or passed on."""

import asyncio
import gzip
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from fakes.relay_bench import Bench, Opened, closed, new_id, part, run_parts, upstream
from harness.langsmith_double import KEY, LangSmith

INGESTED = "langgraph_relay_ingested_runs_total"
DROPPED = "langgraph_relay_dropped_runs_total"
SAMPLED = "langgraph_relay_sampled_out_total"


async def until(langsmith: LangSmith, *ids: str) -> dict[str, dict[str, Any]]:
    """The runs upstream, once these are there."""
    await asyncio.to_thread(langsmith.wait_until, lambda: set(ids) <= langsmith.runs().keys())
    return langsmith.runs()


def spooled(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (folder / "relay").glob("*.spool"))


async def until_empty(bench: Bench) -> None:
    async with asyncio.timeout(20):
        while (standing := bench.relay.standing()) is None or standing.pending:
            await asyncio.sleep(0.02)


async def test_info_asks_for_zstd_and_batches(opened: Opened) -> None:
    info = (await (await opened()).client.get("/info")).json()

    assert info["instance_flags"]["zstd_compression_enabled"]
    assert info["batch_ingest_config"]["size_limit"] == 100


async def test_all_parts_of_a_run_arrive_as_they_were(opened: Opened, langsmith: LangSmith) -> None:
    bench = await opened(**upstream(langsmith))
    run, feedback = new_id(), new_id()
    apart = {"inputs": {"q": [1, "é"]}, "outputs": {"a": 2}, "events": [], "serialized": {"s": 1}}
    picture = bytes(range(256))
    body = closed(
        run_parts(run, **apart, extra={"metadata": {"m": 1}}, error="ValueError('x')"),
        part(f"attachment.{run}.picture", picture, "image/png"),
        part(f"feedback.{feedback}", json.dumps({"id": feedback, "score": 1}).encode()),
    )

    assert (await bench.send(gzip.compress(body), content_encoding="gzip")).status_code == 202

    runs = await until(langsmith, run, feedback)
    assert {name: runs[run][name] for name in apart} == apart
    assert runs[run]["picture"] == picture.hex()
    assert runs[run]["error"] == "ValueError('x')"
    [seen] = bench.noticed.operations
    assert (seen.kind, seen.run_id, seen.trace_id) == ("post", run, run)
    assert (seen.error, seen.events, seen.outputs) == (b"\"ValueError('x')\"", b"[]", b'{"a": 2}')
    assert bench.counted(INGESTED, kind="feedback") == bench.counted(INGESTED, kind="post") == 1


async def test_a_batch_and_single_runs_arrive(opened: Opened, langsmith: LangSmith) -> None:
    bench = await opened(**upstream(langsmith))
    whole, patched, single = new_id(), new_id(), new_id()
    full = {"trace_id": whole, "dotted_order": "x", "inputs": {"a": 1}, "extra": {"b": 2}}
    batch = {"post": [{"id": whole, **full}], "patch": [{"id": patched, **full, "error": "E()"}]}

    assert (await bench.client.post("/runs/batch", json=batch)).status_code == 202
    assert (await bench.client.post("/runs", json={"id": single, "name": "n"})).status_code == 202
    ended = await bench.client.patch(f"/runs/{single}", json={"outputs": {"c": 3}})
    assert ended.status_code == 202

    runs = await until(langsmith, whole, patched, single)
    await until_empty(bench)
    assert runs[whole]["inputs"] == {"a": 1}
    assert runs[patched]["error"] == "E()"
    assert langsmith.runs()[single] == {"id": single, "name": "n", "outputs": {"c": 3}}
    kinds = [operation.kind for operation in bench.noticed.operations]
    assert kinds == ["post", "patch", "post", "patch"]
    assert bench.noticed.operations[1].error == b'"E()"'


async def test_secrets_are_gone_before_anything_is_on_disk(
    opened: Opened, langsmith: LangSmith, tmp_path: Path
) -> None:
    langsmith.say(503)
    bench = await opened(**upstream(langsmith))
    run = new_id()
    secrets = {
        "api_key": "sk-abcdefgh12345678",
        "text": 'a \\"password\\": \\"hunter2hunter2\\" and\nBearer abcdefgh.ijkl',
        "nested": {"a": [{"token": "in-a-list"}], "input_tokens": 12},
        "escaped": "s\u212aip",
    }
    bare = b'{"t\\u006fken": "behind-an-escape"}'
    body = closed(run_parts(run, inputs=secrets), part(f"post.{run}.outputs", bare))

    assert (await bench.send(body)).status_code == 202

    kept = spooled(tmp_path)
    assert run.encode() in kept
    for secret in ("sk-abc", "hunter2", "abcdefgh.ijkl", "in-a-list", "behind-an-escape"):
        assert secret.encode() not in kept
    assert b'"input_tokens":12' in kept
    langsmith.say()
    assert (await until(langsmith, run))[run]["inputs"]["nested"]["a"] == [{"token": "[redacted]"}]


async def test_what_cannot_be_read_for_secrets_is_not_kept(
    opened: Opened, langsmith: LangSmith, tmp_path: Path
) -> None:
    langsmith.say(503)
    bench = await opened(**upstream(langsmith))
    bad, good = new_id(), new_id()
    broken = part(f"post.{bad}.inputs", b'{"password": "hunter2hunter2"')

    assert (await bench.send(closed(run_parts(bad), broken, run_parts(good)))).status_code == 202

    assert good.encode() in spooled(tmp_path)
    assert b"hunter2" not in spooled(tmp_path)
    assert bench.counted(DROPPED, reason="redaction_failed") == 1


async def test_without_a_key_runs_become_figures_and_nothing_is_kept(
    opened: Opened, tmp_path: Path
) -> None:
    bench = await opened()

    assert (await bench.send(closed(run_parts(new_id())))).status_code == 202

    assert len(bench.noticed.operations) == 1
    assert not (tmp_path / "relay").exists()
    assert bench.relay.standing() is None
    answer = await bench.client.get("/sessions")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_upstream")


async def test_the_spool_is_closed_to_others(
    opened: Opened, langsmith: LangSmith, tmp_path: Path
) -> None:
    (tmp_path / "relay").mkdir(mode=0o755)
    langsmith.say(503)
    bench = await opened(**upstream(langsmith))

    await bench.send(closed(run_parts(new_id())))

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "relay").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "relay").stat().st_mode) == 0o700


async def test_one_refused_run_takes_no_other_with_it(opened: Opened, langsmith: LangSmith) -> None:
    bench = await opened(**upstream(langsmith))
    good = [new_id() for _ in range(9)]
    poison = run_parts(new_id(), base={"name": "poison"})

    await bench.send(closed(*map(run_parts, good[:4]), poison, *map(run_parts, good[4:])))

    assert (await until(langsmith, *good)).keys() == set(good)
    await until_empty(bench)
    assert bench.counted(DROPPED, reason="upstream_refused") == 1


async def test_other_calls_are_passed_on_with_the_senders_own_key(
    opened: Opened, langsmith: LangSmith
) -> None:
    bench = await opened(relay_upstream=langsmith.url)

    answer = await bench.client.post(
        "/sessions/a%2Fb?x=1", content=b"a body", headers={"x-api-key": KEY}
    )

    assert answer.json() == {"method": "POST", "path": "/sessions/a%2Fb?x=1", "body": "a body"}
    denied = await bench.client.get("/prompts", headers={"x-api-key": "wrong"})
    assert denied.status_code == 401
    langsmith.kill()
    gone = await bench.client.get("/prompts", headers={"x-api-key": KEY})
    assert (gone.status_code, gone.json()["code"]) == (502, "upstream_unreachable")


async def test_who_gives_the_relays_key_acts_with_the_upstreams(
    opened: Opened, langsmith: LangSmith
) -> None:
    bench = await opened(**upstream(langsmith), relay_key="the-relays-own-key")

    answer = await bench.client.get("/prompts", headers={"x-api-key": "the-relays-own-key"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("seconds", "error", "is_kept"),
    [(1, None, False), (30, None, True), (1, "ValueError()", True), (1, "GraphInterrupt()", False)],
)
async def test_of_traces_outside_the_share_only_errors_and_slow_ones_go_on(
    opened: Opened, langsmith: LangSmith, seconds: int, error: str | None, is_kept: bool
) -> None:
    bench = await opened(**upstream(langsmith), relay_sample_ratio=0, relay_sample_slow_seconds=20)
    root, child = new_id(), new_id()
    times = {"start_time": "2026-01-01T00:00:00Z", "end_time": f"2026-01-01T00:00:{seconds:02}Z"}
    below = {"trace_id": root, "parent_run_id": root}
    failed = {} if error is None else {"error": error}

    await bench.send(closed(run_parts(root), run_parts(child, base=below, **failed)))
    await bench.send(closed(run_parts(root, "patch", base=times)))
    await until_empty(bench)

    assert len(langsmith.taken()) == (3 if is_kept else 0)
    assert bench.counted(SAMPLED) == (0 if is_kept else 3)
    assert len(bench.noticed.operations) == 3
