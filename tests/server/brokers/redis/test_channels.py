"""The connection that hears is lost at the worst moment."""

import asyncio

import pytest

from outrigger_server.brokers.redis.channels import LISTENING, Channels
from outrigger_server.brokers.redis.link import open_client


@pytest.fixture
async def channels(redis):
    client = open_client(redis.url)
    channels = Channels(client)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(channels.hear()), tasks.create_task(channels.follow_changes())]
        yield channels
        for task in running:
            task.cancel()
    await client.aclose()


def loses_itself_while_it_sends(connection):
    """Let the client find its connection in pieces in the middle of the next command, once."""
    send = connection._send_packed_command

    async def lose(command):
        connection._send_packed_command = send
        await connection.disconnect(nowait=True)
        await send(command)

    connection._send_packed_command = lose


@pytest.mark.parametrize("change", ["listen", "leave"])
async def test_a_connection_that_is_lost_while_a_channel_is_asked_for_is_replaced(channels, change):
    told, later = [], []
    channels.listen("a", told.append)
    channels.listen("b", later.append)
    assert await channels.heard("a", 10)
    assert await channels.heard("b", 10)
    loses_itself_while_it_sends(channels._pubsub.connection)
    if change == "listen":
        channels.listen("c", later.append)
        assert await channels.heard("c", 10)
    else:
        channels.leave("b", later.append)
        async with asyncio.timeout(10):
            while told != [LISTENING, LISTENING]:
                await asyncio.sleep(0.01)
    assert await channels.heard("a", 10)
    assert told == [LISTENING, LISTENING]
