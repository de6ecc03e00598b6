"""Servers of which a check believes that it can test them, until it sends something.

They say who they are, know every graph and open threads. What they do with everything else is up
to `rest(method, path, body)`: it returns the bytes of an answer, or what a raw server's handler is.
"""

import json
import uuid

from harness.raw_server import server


def answer(value, status=200):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


def welcome(method, path, body):
    """Return the answer of a healthy server to what a check asks first; None for the rest."""
    if path == "/info":
        return answer({"version": "1.0"})
    if path == "/assistants/search":
        return answer([{"graph_id": json.loads(body)["graph_id"]}])
    if (method, path) == ("POST", "/threads"):
        return answer({"thread_id": str(uuid.uuid4())})
    return None


def at_rest(method, path, body):
    """Answer as a thread does on which nothing ever happened; creates get lost."""
    if method == "POST" and "/history" not in path:
        return answer(b"Internal Server Error", 500)
    if "/runs?" in path or "/history" in path:
        return answer([])
    if "/state" in path:
        return answer({"values": {}, "next": [], "tasks": []})
    return answer({"status": "idle", "values": {}})


def half_server(rest, first=welcome):
    async def handle(this, request, reader, writer):
        method, path, _, body = request
        said = first(method, path, body) or rest(method, path, body)
        if callable(said):
            return await said(this, request, reader, writer)
        writer.write(said)
        return False

    return server(handle)
