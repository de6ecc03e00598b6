"""LangGraph's own limit, a process of its own: `graph.ainvoke` with a saver and nothing around it.

    python -m benchmarks.engine.limits memory '{"clients": 50, "window": {...}}'
    python -m benchmarks.engine.limits sqlite PARAMETERS FILE
    python -m benchmarks.engine.limits postgres PARAMETERS URI

Prints what the client prints for throughput.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import orjson
import uvloop
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from benchmarks.engine.chain import is_whole, run_input
from benchmarks.engine.client import say
from benchmarks.engine.closed_loop import closed_loop
from benchmarks.engine.graph import builder
from benchmarks.engine.plan import Window

POSTGRES_CONNECTIONS = 10


@asynccontextmanager
async def opened_saver(kind: str, place: str) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """A saver of the kind, as its documentation opens it."""
    match kind:
        case "memory":
            yield InMemorySaver()
        case "sqlite":
            async with AsyncSqliteSaver.from_conn_string(place) as saver:
                yield saver
        case "postgres":
            options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
            async with AsyncConnectionPool[AsyncConnection[DictRow]](
                place, max_size=POSTGRES_CONNECTIONS, kwargs=options, open=False
            ) as pool:
                postgres = AsyncPostgresSaver(pool)
                await postgres.setup()
                yield postgres
        case _:
            raise SystemExit(f"no saver {kind!r}")


async def measure(kind: str, place: str, clients: int, window: Window) -> dict[str, Any]:
    """Invoke the graph on a new thread, over and over, with so many tasks."""
    async with opened_saver(kind, place) as saver:
        graph = builder.compile(checkpointer=saver)

        async def one_run() -> str:
            given: Any = run_input()
            values = await graph.ainvoke(given, {"configurable": {"thread_id": str(uuid4())}})
            return "" if is_whole(values) else f"wrong values: {str(values)[:80]}"

        return await closed_loop([one_run] * clients, window, say)


def main() -> None:
    """Measure what the arguments say."""
    kind, parameters, *place = sys.argv[1:]
    given = orjson.loads(parameters)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(
            measure(kind, "".join(place), given["clients"], Window(**given["window"]))
        )
    say(orjson.dumps(found).decode())


if __name__ == "__main__":
    main()
