"""Crons over HTTP: kept, changed, found, and fired by the server by itself."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import NotFoundError

from harness.processes import TEST_GRAPHS, Server, started_server
from harness.runs import until

pytestmark = pytest.mark.end_to_end

EACH_SECOND = "* * * * * *"
YEARLY = "0 0 1 1 *"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("crons") / "data"
    with started_server(data_dir, config=TEST_GRAPHS) as server:
        yield server


async def make(client: LangGraphClient, schedule: str = YEARLY, **options: Any) -> dict[str, Any]:
    made = await client.crons.create("settings", schedule=schedule, input={}, **options)
    return dict(made)


async def test_a_cron_is_shown_as_it_was_kept(client: LangGraphClient) -> None:
    end = datetime(2040, 1, 2, 3, 4, tzinfo=UTC)
    made = await make(
        client,
        "0 3 * * *",
        timezone=ZoneInfo("Europe/Berlin"),
        end_time=end,
        metadata={"team": "a"},
        on_run_completed="keep",
    )
    (found,) = await client.crons.search(metadata={"team": "a"})
    assert found == made
    assert (made["schedule"], made["timezone"]) == ("0 3 * * *", "Europe/Berlin")
    assert datetime.fromisoformat(made["end_time"]) == end
    due = datetime.fromisoformat(made["next_run_date"])
    assert due.astimezone(ZoneInfo("Europe/Berlin")).hour == 3
    assert datetime.now(UTC) < due <= datetime.now(UTC) + timedelta(days=1, hours=1)
    assert (made["thread_id"], made["on_run_completed"], made["enabled"]) == (None, "keep", True)
    assert made["payload"]["input"] == {}
    await client.crons.delete(made["cron_id"])


@pytest.mark.parametrize(
    ("wrong", "status", "says"),
    [
        ({"schedule": None}, 422, "schedule: "),
        ({"schedule": "x"}, 422, "Invalid cron schedule: 'x'"),
        ({"schedule": "0 0 30 2 *"}, 422, "Invalid cron schedule: '0 0 30 2 *'"),
        ({"timezone": "Mars/One"}, 422, "Invalid timezone: 'Mars/One'"),
        ({"end_time": "soon"}, 422, "end_time: "),
        ({"end_time": 7}, 422, "end_time: give a time as text"),
        ({"end_time": "0001-01-01T00:00:00+14:00"}, 422, "end_time: "),
        ({"assistant_id": "nope"}, 404, "Assistant 'nope' not found"),
        ({"on_run_completed": "burn"}, 422, "on_run_completed: "),
        ({"multitask_strategy": "zz"}, 422, "multitask_strategy: "),
        ({"stream_mode": "zz"}, 422, "stream_mode: "),
        ({"config": {"configurable": {"a": 1}}, "context": {"a": 2}}, 400, "Cannot specify both"),
    ],
)
async def test_what_could_never_run_is_not_kept(
    client: LangGraphClient, http: httpx.AsyncClient, wrong: Any, status: int, says: str
) -> None:
    before = await client.crons.count()
    body = {"assistant_id": "settings", "schedule": YEARLY, **wrong}
    answer = await http.post("/runs/crons", json=body)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(says)
    assert await client.crons.count() == before


async def test_a_cron_without_a_schedule_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/runs/crons", json={"assistant_id": "settings"})
    assert (answer.status_code, answer.json()) == (
        422,
        {"detail": "schedule: this field is required"},
    )


async def test_a_cron_is_changed_field_by_field(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    made = await make(client, metadata={"a": 1}, config={"tags": ["t"]})
    cron_id = made["cron_id"]
    changed = await client.crons.update(
        cron_id, schedule="0 3 * * *", metadata={"b": 2}, input={"x": 1}
    )
    assert changed["metadata"] == {"a": 1, "b": 2}
    assert changed["payload"]["input"] == {"x": 1}
    assert changed["payload"]["config"] == {"tags": ["t"], "configurable": {"cron_id": cron_id}}
    assert changed["next_run_date"] != made["next_run_date"]
    disabled = await client.crons.update(cron_id, enabled=False)
    assert disabled["payload"] == {**changed["payload"], "enabled": False}
    assert disabled["next_run_date"] == changed["next_run_date"]
    again = await client.crons.update(cron_id, enabled=True)
    assert again["next_run_date"] == changed["next_run_date"]
    over = await client.crons.update(cron_id, end_time=datetime(2020, 1, 1, tzinfo=UTC))
    assert over["end_time"] == "2020-01-01T00:00:00+00:00"
    assert (await client.crons.update(cron_id, end_time=None))["end_time"] is None
    empty = await http.patch(f"/runs/crons/{cron_id}", json={})
    assert empty.status_code == 400
    bad = await http.patch(f"/runs/crons/{cron_id}", json={"schedule": "x"})
    assert bad.status_code == 422
    assert (await http.get(f"/runs/crons/{cron_id}")).json()["schedule"] == "0 3 * * *"
    await client.crons.delete(cron_id)


async def test_crons_are_found_counted_and_paged(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    for day in (3, 1, 2):
        await client.crons.create_for_thread(
            thread_id, "settings", schedule=f"0 0 {day} 1 *", input={}, enabled=day != 2
        )
    assert await client.crons.count(thread_id=thread_id) == 3
    found = await client.crons.search(
        thread_id=thread_id, sort_by="next_run_date", sort_order="asc", select=["schedule"]
    )
    assert found == [{"schedule": f"0 0 {day} 1 *"} for day in (1, 3, 2)]
    assert len(await client.crons.search(thread_id=thread_id, enabled=False)) == 1
    assert await client.crons.search(assistant_id=str(uuid.uuid4())) == []
    page = await http.post("/runs/crons/search", json={"thread_id": thread_id, "limit": 2})
    assert page.headers["x-pagination-total"] == "3"
    assert page.headers["x-pagination-next"] == "2"
    await client.threads.delete(thread_id)
    assert await client.crons.count(thread_id=thread_id) == 0


async def test_a_cron_goes_with_its_assistant(client: LangGraphClient) -> None:
    assistant = await client.assistants.create("settings")
    made = await client.crons.create(assistant["assistant_id"], schedule=YEARLY)
    await client.assistants.delete(assistant["assistant_id"])
    with pytest.raises(NotFoundError):
        await client.crons.update(made["cron_id"], enabled=False)


async def test_a_missing_thread_has_no_crons(http: httpx.AsyncClient) -> None:
    nobody = uuid.uuid4()
    body = {"assistant_id": "settings", "schedule": YEARLY}
    answer = await http.post(f"/threads/{nobody}/runs/crons", json=body)
    assert (answer.status_code, answer.json()) == (
        404,
        {"detail": f"Thread with ID {nobody} not found"},
    )


async def test_a_cron_fires_on_its_thread_by_its_assistants_settings(
    client: LangGraphClient, thread_id: str
) -> None:
    assistant = await client.assistants.create("settings", context={"colour": "red"})
    cron = await client.crons.create_for_thread(
        thread_id, assistant["assistant_id"], schedule=EACH_SECOND, input={}, metadata={"m": 1}
    )

    async def fired() -> bool:
        runs = await client.runs.list(thread_id)
        return sum(run["status"] == "success" for run in runs) >= 2

    await until(fired)
    await client.crons.delete(cron["cron_id"])
    runs = await client.runs.list(thread_id, limit=100)
    assert all(run["metadata"]["m"] == 1 for run in runs)
    state = await client.threads.get_state(thread_id)
    assert state["values"]["shown"]["colour"] == "red"
    assert state["metadata"]["cron_id"] == cron["cron_id"]


async def test_a_stateless_cron_that_keeps_leaves_a_thread_for_each_run(
    client: LangGraphClient,
) -> None:
    mark = {"of": str(uuid.uuid4())}
    assistant = await client.assistants.create("settings", metadata=mark)
    cron = await client.crons.create(
        assistant["assistant_id"], schedule=EACH_SECOND, input={}, on_run_completed="keep"
    )
    wanted = {"assistant_id": assistant["assistant_id"]}

    async def fired() -> bool:
        return len(await client.threads.search(metadata=wanted)) >= 2

    await until(fired)
    await client.crons.delete(cron["cron_id"])
    for thread in await client.threads.search(metadata=wanted, limit=2):
        assert len(await client.runs.list(thread["thread_id"])) == 1
