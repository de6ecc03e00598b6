"""The cache of assistants, the search of memories, and many calls at once."""

import asyncio
import threading
from typing import Any
from uuid import uuid4

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.tcp_proxy import TcpProxy
from outrigger_client.client import Client
from outrigger_client.events import AssistantLookedUp, RequestEnded
from outrigger_client.gathering import gather, gather_in_threads
from outrigger_client.operations.assistants import AssistantCache

pytestmark = pytest.mark.end_to_end


@pytest.fixture
async def assistant_id(direct: LangGraphClient) -> str:
    return str((await direct.assistants.create("probe_async", name="One"))["assistant_id"])


async def test_an_assistant_is_asked_for_once(
    clients: Any, proxy: TcpProxy, assistant_id: str
) -> None:
    client = clients(proxy.url)
    found = await asyncio.gather(*[client.assistant(assistant_id) for _ in range(10)])
    assert {each["name"] for each in found} == {"One"}
    assert len(proxy.lines("GET /assistants")) == 1
    assert (
        sorted(event.cached for event in clients.heard(AssistantLookedUp)) == [False] + [True] * 9
    )


async def test_what_this_client_changes_is_asked_for_anew(
    clients: Any, proxy: TcpProxy, assistant_id: str
) -> None:
    client = clients(proxy.url)
    await client.assistant(assistant_id)
    await client.sdk.assistants.update(assistant_id, name="Two")
    assert (await client.assistant(assistant_id))["name"] == "Two"
    await client.sdk.assistants.set_latest(assistant_id, 1)
    assert (await client.assistant(assistant_id))["name"] == "One"
    await client.sdk.assistants.delete(assistant_id)
    with pytest.raises(httpx.HTTPStatusError):
        await client.assistant(assistant_id)


def test_an_assistant_is_believed_for_its_time_and_the_oldest_goes_first() -> None:
    now = [0.0]
    cache = AssistantCache(60.0, 2, lambda: now[0])

    def known() -> list[str]:
        return [name for name in "abc" if cache.get(name)]

    for name in "abc":
        cache.put({"assistant_id": name})  # type: ignore[typeddict-item]  # the rest is the same
        now[0] += 10.0
    assert known() == ["b", "c"]
    now[0] = 75.0
    assert known() == ["c"]
    cache.hear(RequestEnded("PATCH", "", "/assistants/c", 200, None, 0.0, 1))
    assert known() == []


async def test_memories_are_found_over_all_pages(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient
) -> None:
    namespace = ["memories", str(uuid4())]
    client = clients(proxy.url)
    await client.gather([_put(client, namespace, number) for number in range(120)], limit=20)
    found = await client.search_memory(namespace, limit=500)
    assert {item["value"]["number"] for item in found} == set(range(120))
    assert len(proxy.lines("POST /store/items/search")) == 2
    few = await client.search_memory(namespace, filters={"even": True}, limit=7)
    assert [item["value"]["even"] for item in few] == [True] * 7


def _put(client: Any, namespace: list[str], number: int) -> Any:
    value = {"number": number, "even": number % 2 == 0}
    if isinstance(client, Client):
        return lambda: client.sdk.store.put_item(namespace, str(number), value)
    plain = client._within  # a thread of the pool calls the synchronous method itself
    return lambda: plain.sdk.store.put_item(namespace, str(number), value)


# -- many calls at once --------------------------------------------------------


class Gauge:
    """Counts calls under way."""

    def __init__(self) -> None:
        self.now = self.most = self.begun = 0
        self.lock = threading.Lock()

    def __enter__(self) -> None:
        with self.lock:
            self.now += 1
            self.begun += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.now -= 1


async def test_calls_are_made_a_few_at_a_time_and_answered_in_order() -> None:
    gauge = Gauge()

    async def call(number: int) -> int:
        with gauge:
            for _ in range(number % 3):
                await asyncio.sleep(0)
            return number

    results = await gather((lambda n=n: call(n) for n in range(50)), limit=4)
    assert results == list(range(50))
    assert gauge.most == 4


async def test_the_first_failure_ends_the_rest() -> None:
    gauge = Gauge()

    async def call(number: int) -> None:
        with gauge:
            if number == 2:
                raise KeyError(number)
            await asyncio.Event().wait()

    with pytest.raises(KeyError):
        await gather([lambda n=n: call(n) for n in range(50)], limit=3)
    assert (gauge.now, gauge.begun) == (0, 3)


def test_threads_are_as_few_and_stop_as_soon() -> None:
    gauge, together = Gauge(), threading.Barrier(4)

    def call(number: int) -> int:
        with gauge:
            together.wait(20)
            return number

    assert gather_in_threads([lambda n=n: call(n) for n in range(40)], limit=4) == list(range(40))
    assert gauge.most == 4

    def fail() -> None:
        raise KeyError

    coming = iter([fail] * 100)
    with pytest.raises(KeyError):
        gather_in_threads(coming, limit=2)
    assert len(list(coming)) >= 98
