"""Bodies as the real SDK sends them: one server that keeps what it gets, one graph's runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
from langsmith import Client
from langsmith.run_trees import RunTree
from typing_extensions import override

OPERATIONS_A_TRACE = 10
INFO = {
    "version": "0.99.0",
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 4,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": 20 * 1024 * 1024,
    },
    "instance_flags": {"zstd_compression_enabled": True},
}
_WORDS = "the quick brown fox jumps over a lazy dog and comes back again "


@dataclass(frozen=True, slots=True)
class Body:
    """One request as it came over the wire."""

    content: bytes
    content_type: str
    encoding: str


@contextmanager
def catching(bodies: list[Body]) -> Iterator[str]:
    """Serve as LangSmith would, keep every body, give the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, orjson.dumps(INFO))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            kind = self.headers["content-type"]
            bodies.append(Body(content, kind, self.headers.get("content-encoding", "")))
            self._answer(202, b"{}")

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def make_bodies(traces: int) -> list[Body]:
    """Have the SDK send so many traces of `OPERATIONS_A_TRACE` operations."""
    bodies: list[Body] = []
    with catching(bodies) as url:
        client = Client(api_url=url, api_key="none")
        for number in range(traces):
            _trace(client, number)
        client.flush()
        client.cleanup()
    return [body for body in bodies if body.encoding == "zstd"]


def _trace(client: Client, number: int) -> None:
    state = {"messages": [{"type": "human", "content": _WORDS * 3, "id": str(number)}] * 3}
    about = {"thread_id": f"thread-{number}", "graph_id": "agent", "run_attempt": 1}
    root = RunTree(name="agent", inputs=state, extra={"metadata": about}, ls_client=client)
    root.post()
    for step, node in enumerate(("plan", "tools")):
        place = {"langgraph_node": node, "langgraph_step": step, "langgraph_triggers": [node]}
        tags = [f"graph:step:{step}"]
        child = root.create_child(
            node, inputs=state, extra={"metadata": {**about, **place}}, tags=tags
        )
        child.post()
        model = child.create_child(
            "ChatModel",
            run_type="llm",
            inputs=state,
            extra={"metadata": {**place, "ls_provider": "acme", "ls_model_name": "acme-1"}},
        )
        model.post()
        usage = {"input_tokens": 120, "output_tokens": 40, "total_tokens": 160}
        model.end(outputs={"message": {"content": _WORDS * 4, "usage_metadata": usage}})
        model.patch()
        child.end(outputs=state)
        child.patch()
    root.end(outputs=state)
    root.patch()
