"""The graph as a server runs it, and a double of Tavily that speaks its protocol."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore

from task_maistro.environment import Environment
from task_maistro.graph import build_graph

KEY = "tvly-test"
UNPACED = 1_000_000.0


class Chat:
    """One server's worth of Task Maistro: talk to it by thread."""

    def __init__(self, graph, *, store=None):
        self.store = store
        self.graph = graph.copy({"checkpointer": InMemorySaver(), "store": store})

    def config(self, thread="thread", **configurable):
        return {"configurable": {"thread_id": thread, **configurable}}

    async def say(self, text, thread="thread", *, context=None, **configurable):
        return await self.send([("user", text)], thread, context=context, **configurable)

    async def send(self, messages, thread="thread", *, context=None, **configurable):
        return await self.graph.ainvoke(
            {"messages": messages}, self.config(thread, **configurable), context=context
        )

    async def stream(self, text, mode, thread="thread", *, context=None):
        events = self.graph.astream(
            {"messages": [("user", text)]},
            self.config(thread),
            context=context,
            stream_mode=mode,
        )
        return [event async for event in events]


@pytest.fixture
def make_chat():
    def make(make_model=None, *, store=True, **environment):
        surroundings = Environment(**{"tokens_per_second": UNPACED, **environment})
        return Chat(build_graph(surroundings, make_model), store=InMemoryStore() if store else None)

    return make


@pytest.fixture
def chat(make_chat):
    return make_chat()


class TavilyDouble:
    """Answers POST /search as api.tavily.com does; some queries make it misbehave."""

    def __init__(self):
        self.url = ""
        self.requests = []

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.requests.append({"line": lines[0], "headers": headers, "body": body})
            await self.answer(writer, lines[0], headers, body)
        finally:
            writer.close()

    async def answer(self, writer, line, headers, body):
        query = body.get("query", "")
        if line != "POST /search HTTP/1.1":
            status, answer = 404, {"detail": "Not Found"}
        elif headers.get("authorization") != f"bearer {KEY}":
            status, answer = 401, {"detail": {"error": "Unauthorized: missing or invalid API key."}}
        elif not query:
            status, answer = 400, {"detail": {"error": "Query is missing."}}
        elif query == "too many":
            status, answer = 429, {"detail": {"error": "Your request has been blocked."}}
        elif query == "nonsense":
            status, answer = 200, ["nonsense"]
        elif query == "silence":
            await asyncio.sleep(30)
            return
        elif query == "flood":
            status, answer = 200, {"query": query, "results": [], "answer": "x" * 1_100_000}
        else:
            status, answer = 200, self.found(query)
        content = json.dumps(answer).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
        )
        writer.write(content)
        await writer.drain()

    def found(self, query):
        return {
            "query": query,
            "follow_up_questions": None,
            "answer": f"The answer to {query}.",
            "images": [],
            "results": [
                {
                    "url": "https://example.org/a",
                    "title": "A page",
                    "content": "What it says.",
                    "score": 0.98,
                    "raw_content": None,
                }
            ],
            "response_time": 0.42,
            "request_id": "00000000-0000-0000-0000-000000000000",
        }


@asynccontextmanager
async def running_double():
    double = TavilyDouble()
    tasks = set()

    async def connected(reader, writer):
        tasks.add(asyncio.current_task())
        # A client that stops waiting closes the connection; nothing is wrong then.
        with suppress(ConnectionError):
            await double.serve(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    double.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield double
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def tavily_double():
    async with running_double() as double:
        yield double
