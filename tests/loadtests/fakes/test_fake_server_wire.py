"""The fake server's answers as they look on the wire, and the network in between."""

import orjson
import pytest

from outrigger_loadtests.client.transport import StreamBroken, StreamSilent


def test_what_is_not_there_is_404(world) -> None:
    def talk() -> None:
        thread = world.thread()
        for method, path in (
            ("GET", "/nowhere"),
            ("GET", "/threads/unknown"),
            ("GET", "/threads/unknown/state"),
            ("GET", f"{thread}/runs/unknown"),
            ("DELETE", f"{thread}/runs/unknown"),
            ("POST", f"{thread}/runs/unknown/cancel"),
        ):
            answer = world.call(method, path)
            assert answer.status == 404
            assert orjson.loads(answer.body)["detail"]
        assert world.call("POST", "/threads/unknown/runs", world.body("enqueue")).status == 404

    world.clock.run(talk)


def test_the_server_says_who_it_is(world) -> None:
    def talk() -> None:
        assert world.get("/ok")["ok"] is True
        assert world.get("/info")["version"]
        found = world.call("POST", "/assistants/search", {"graph_id": "probe_sync"})
        (assistant,) = orjson.loads(found.body)
        assert (assistant["graph_id"], assistant["name"]) == ("probe_sync", "probe_sync")
        thread = world.thread()
        assert world.create(thread, probe=assistant["assistant_id"])

    world.clock.run(talk)


def test_an_empty_thread_has_an_empty_state(world) -> None:
    def talk() -> None:
        thread = world.thread()
        assert world.get(f"{thread}/state")["values"] == {}
        shown = world.get(thread)
        assert (shown["values"], shown["status"]) == (None, "idle")
        assert "interrupts" not in shown

    world.clock.run(talk)


def test_a_stream_begins_with_its_run_and_goes_on_behind_an_id(world) -> None:
    def talk() -> None:
        thread = world.thread()
        run = world.create(thread)
        lines = world.read(world.stream(run))
        assert lines[0] == "event: metadata\r\n"
        first = orjson.loads(lines[1].removeprefix("data: "))
        assert first == {"run_id": run.rpartition("/")[2], "attempt": 1}
        names = [line[7:-2] for line in lines if line.startswith("event: ")]
        assert names == ["metadata", "values", *["updates", "values"] * 3]
        ids = [line[4:-2] for line in lines if line.startswith("id: ")]
        assert len(set(ids)) == len(names)
        rest = world.read(world.stream(run, after=ids[2]))
        assert rest == lines[3 * 4 :]

    world.clock.run(talk)


def test_the_stream_of_the_creating_request_misses_nothing(world) -> None:
    def talk() -> None:
        thread = world.thread()
        body = orjson.dumps(world.body("enqueue", seconds=6.0))
        stream = world.transport.stream(
            "POST", f"{thread}/runs/stream", body, name="any", timeout=30.0
        )
        run = stream.head.headers["content-location"]
        lines = world.read(stream)
        assert ": heartbeat\r\n" in lines
        events = [line for line in lines if not line.startswith(":")]
        replayed = world.read(world.stream(run))
        assert [line for line in events if line != "\r\n"] == [
            line for line in replayed if line != "\r\n"
        ]

    world.clock.run(talk)


def test_waiting_for_a_run_that_asks_shows_its_question(world) -> None:
    def talk() -> None:
        thread = world.thread()
        answer = world.call("POST", f"{thread}/runs/wait", world.body("enqueue", ask=True))
        assert answer.headers["x-run-status"] == "success"
        assert answer.headers["content-location"].startswith(f"{thread}/runs/")
        (question,) = orjson.loads(answer.body)["__interrupt__"]
        assert question["value"] == {"token": "x1-0-0"}

    world.clock.run(talk)


def test_history_comes_in_pages(world) -> None:
    def talk() -> None:
        thread = world.thread()
        world.create(thread)
        world.rest(thread)
        whole = world.history(thread)[::-1]
        paged, before = [], None
        while True:
            body = {"limit": 2, "before": before} if before else {"limit": 2}
            page = orjson.loads(world.call("POST", f"{thread}/history", body).body)
            if not page:
                break
            paged += page
            before = {"configurable": {"checkpoint_id": page[-1]["checkpoint_id"]}}
        assert paged == whole

    world.clock.run(talk)


def test_a_request_ends_with_its_time_out_and_keeps_its_effect(world) -> None:
    def talk() -> None:
        thread = world.thread()
        before = world.clock.now()
        body = world.body("enqueue", seconds=5.0)
        answer = world.call("POST", f"{thread}/runs/wait", body, timeout=1.0)
        assert (answer.status, answer.error, answer.reached) == (0, "timed out", True)
        assert world.clock.now() - before == 1_000_000_000
        hasty = world.call("POST", f"{thread}/runs", world.body("enqueue"), timeout=0.0001)
        assert hasty.status == 0
        world.rest(thread)
        assert [row["status"] for row in world.runs(thread)] == ["success", "success"]

    world.clock.run(talk)


def test_a_silent_stream_is_given_up(world) -> None:
    def talk() -> None:
        thread = world.thread()
        run = world.create(thread, seconds=20.0)
        stream = world.stream(run, timeout=2.0)
        with pytest.raises(StreamSilent):
            world.read(stream)

    world.clock.run(talk)


def test_requests_sent_together_arrive_in_any_order(new_world) -> None:
    def first_token(seed):
        world = new_world(seed)

        def talk():
            thread = world.thread()
            world.storm(thread, "enqueue", 3)
            return world.runs(thread)[0]["kwargs"]["input"]["token"]

        return world.clock.run(talk)

    assert len({first_token(seed) for seed in range(20)}) == 3


def test_the_same_seed_gives_the_same_conversation(new_world) -> None:
    def transcript():
        world = new_world(7)

        def talk() -> None:
            thread = world.thread()
            world.storm(thread, "interrupt", 5)
            world.rest(thread)
            world.history(thread)

        world.clock.run(talk)
        return world.transcript

    assert transcript() == transcript()


def test_in_bad_weather_requests_end_in_the_dark_with_and_without_effect(new_world) -> None:
    world = new_world(3, weather=0.5)

    def talk() -> None:
        threads = [world.thread() for _ in range(40)]
        accepted = sum(bool(world.create(thread, seconds=0.0)) for thread in threads)
        broken = 0
        world.transport.weather = 1.0
        for thread in threads:
            try:
                world.read(world.stream(f"{thread}/runs/unknown"))
            except StreamBroken:
                broken += 1
        world.transport.weather = 0.0
        made = sum(bool(world.runs(thread)) for thread in threads)
        assert accepted < made < len(threads)
        codes = {status for method, path, status, _ in world.transcript if path.endswith("/runs")}
        assert codes == {200, 500, 0}
        assert broken > 0

    world.clock.run(talk)
