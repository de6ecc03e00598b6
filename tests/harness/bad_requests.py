"""Requests that a server must refuse, as a table: what is sent, the code, the exact text.

In a path, `{thread}` is a thread with a finished run `{run}`, `{blank}` one that never ran,
`{busy}` one with a run in flight, and `{nobody}` an id that nothing has. In a text, too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_BODY_BYTES = 65_536
NOBODY = "00000000-0000-0000-0000-000000000007"
PROBES = "probe_async, probe_sync, probe_cleanup, probe_swallow, probe_blocking"
MODES = "values, updates, messages, messages-tuple, custom, debug, tasks, checkpoints, events"
RUNS = "/threads/{thread}/runs"
STATE = "/threads/{thread}/state"
SEARCH = "/threads/search"
RUN: dict[str, Any] = {
    "assistant_id": "probe_async",
    "input": {"log": [], "token": "t", "seconds": 0},
}
STRATEGIES = "multitask_strategy: input should be 'reject', 'enqueue', 'interrupt' or 'rollback'"
INVALID_JSON = "Invalid JSON in request body"
NO_THREAD = "Thread with ID {nobody} not found"
NO_UUID = "Invalid thread ID: must be a UUID"
NO_CHECKPOINT = "Invalid checkpoint ID"
INSIDE = {"checkpoint_id": NOBODY, "checkpoint_ns": "child:1", "checkpoint_map": {"": "nope"}}
NO_GOTO = 'command.goto: give a node name or {"node": name, "input": …}'
NO_NUL = "a NUL character cannot be searched for"
TOO_DEEP = "The request body is nested deeper than 100 levels"
TOO_LARGE = (
    f"The request body is larger than the {MAX_BODY_BYTES} bytes this server accepts "
    "(OUTRIGGER_MAX_BODY_BYTES)."
)


@dataclass(frozen=True)
class BadRequest:
    """One request and its answer; `text` None stands for any text that is not empty."""

    name: str
    method: str
    path: str
    status: int
    text: str | None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_chunked: bool = False


def _json(name: str, path: str, status: int, text: str | None, body: object) -> BadRequest:
    return BadRequest(name, "POST", path, status, text, json.dumps(body).encode())


def _raw(name: str, path: str, status: int, text: str | None, body: bytes) -> BadRequest:
    return BadRequest(name, "POST", path, status, text, body)


def _run(name: str, status: int, text: str | None, **wrong: object) -> BadRequest:
    return _json(name, RUNS, status, text, RUN | wrong)


def _get(name: str, path: str, status: int, text: str | None, **headers: str) -> BadRequest:
    return BadRequest(name, "GET", path, status, text, headers=headers)


def _goto(name: str, goto: object) -> BadRequest:
    return _run(name, 422, NO_GOTO, input=None, command={"goto": goto})


def _deep(before: bytes, after: bytes) -> bytes:
    return before + b"[" * 5000 + b"]" * 5000 + after


LARGE = json.dumps(RUN | {"metadata": {"x": "y" * MAX_BODY_BYTES}}).encode()

UNKNOWN = (
    _run(
        "unknown graph",
        422,
        "Invalid assistant: 'nope'. Must be either:\n- A valid assistant UUID, or\n"
        f"- One of the registered graphs: {PROBES}",
        assistant_id="nope",
    ),
    _run("unknown assistant", 404, "Thread or assistant not found.", assistant_id=NOBODY),
    _get("bad assistant id", "/assistants/nope", 422, "Invalid assistant ID: must be a UUID"),
    _get("unknown assistant shown", "/assistants/{nobody}", 404, "Not Found"),
    _get("bad thread id", "/threads/nope", 422, NO_UUID),
    _get("bytes for a thread id", "/threads/%ff%00", 422, NO_UUID),
    _json("bad thread id of a run", "/threads/nope/runs", 422, NO_UUID, RUN),
    _get("unknown thread", "/threads/{nobody}", 404, NO_THREAD),
    _get("unknown thread's state", "/threads/{nobody}/state", 404, NO_THREAD),
    _get("unknown thread's history", "/threads/{nobody}/history", 404, NO_THREAD),
    _get("unknown thread's runs", "/threads/{nobody}/runs", 404, NO_THREAD),
    BadRequest("unknown thread deleted", "DELETE", "/threads/{nobody}", 404, NO_THREAD),
    BadRequest("unknown thread patched", "PATCH", "/threads/{nobody}", 404, "Not Found", b"{}"),
    _json(
        "run on an unknown thread",
        "/threads/{nobody}/runs",
        404,
        "Thread or assistant not found.",
        RUN,
    ),
    _json(
        "thread that exists",
        "/threads",
        409,
        "Thread with ID {thread} already exists",
        {"thread_id": "{thread}"},
    ),
    _get("bad run id", f"{RUNS}/nope", 422, "Invalid run ID: must be a UUID"),
    _get("unknown run", RUNS + "/{nobody}", 404, "Not Found"),
    _get("run of an unknown thread", "/threads/{nobody}/runs/{run}", 404, NO_THREAD),
    BadRequest("unknown run deleted", "DELETE", RUNS + "/{nobody}", 404, "Run not found"),
    BadRequest(
        "unknown run cancelled", "POST", RUNS + "/{nobody}/cancel", 404, "No runs found to cancel."
    ),
    BadRequest(
        "finished run cancelled",
        "POST",
        RUNS + "/{run}/cancel",
        404,
        "No matching runs to cancel. Please verify the thread ID and run IDs are correct, and "
        "the runs haven't been deleted or completed.",
    ),
    _get("unknown path", "/nope", 404, "Not Found"),
    BadRequest("wrong method", "PUT", "/threads", 405, "Method Not Allowed"),
)

BODIES = (
    _raw("broken JSON", RUNS, 422, INVALID_JSON, b'{"assistant_id"'),
    _raw("empty body", RUNS, 422, INVALID_JSON, b""),
    BadRequest("missing body", "POST", RUNS, 422, INVALID_JSON),
    BadRequest("missing body of a thread", "POST", "/threads", 422, INVALID_JSON),
    BadRequest(
        "broken JSON called text",
        "POST",
        RUNS,
        422,
        INVALID_JSON,
        b"{",
        headers={"content-type": "text/plain"},
    ),
    _raw("array", RUNS, 422, '[1] is not of type "object"', b"[1]"),
    _raw("null", RUNS, 422, 'null is not of type "object"', b"null"),
    _json("missing field", RUNS, 422, "assistant_id: this field is required", {}),
    _raw("NaN", "/threads", 422, INVALID_JSON, b'{"metadata": {"x": NaN}}'),
    _raw("infinity", RUNS, 422, INVALID_JSON, b'{"assistant_id": "a", "input": -Infinity}'),
    _raw("number beyond doubles", "/threads", 422, INVALID_JSON, b'{"metadata": {"x": 1e999}}'),
    _raw("invalid UTF-8", "/threads", 422, INVALID_JSON, b'{"metadata": {"x": "\xff"}}'),
    _raw(
        "invalid UTF-8 beside a lone surrogate",
        "/threads",
        422,
        INVALID_JSON,
        b'{"metadata": {"x": "\\ud800\xff"}}',
    ),
    _raw("deep metadata", "/threads", 422, TOO_DEEP, _deep(b'{"metadata": {"x": ', b"}}")),
    _raw("deep input", RUNS, 422, TOO_DEEP, _deep(b'{"assistant_id": "a", "input": ', b"}")),
    _raw("deep search", SEARCH, 422, TOO_DEEP, _deep(b'{"values": {"x": ', b"}}")),
    _raw("large body", RUNS, 413, TOO_LARGE, LARGE),
    BadRequest("large body in chunks", "POST", RUNS, 413, TOO_LARGE, LARGE, is_chunked=True),
)

FIELDS = (
    _run("strategy null", 422, STRATEGIES, multitask_strategy=None),
    _run("strategy empty", 422, f"{STRATEGIES} (given: '')", multitask_strategy=""),
    _run("strategy REJECT", 422, f"{STRATEGIES} (given: 'REJECT')", multitask_strategy="REJECT"),
    _run("strategy foo", 422, f"{STRATEGIES} (given: 'foo')", multitask_strategy="foo"),
    _run("strategy 3", 422, f"{STRATEGIES} (given: 3)", multitask_strategy=3),
    _run(
        "bad stream mode",
        422,
        f"stream_mode: 'nope' is not a stream mode; use one of {MODES}",
        stream_mode=["values", "nope"],
    ),
    _run(
        "no stream mode",
        422,
        f"stream_mode: give one stream mode or a list of them: {MODES}",
        stream_mode=None,
    ),
    _run(
        "after_seconds x",
        422,
        "after_seconds: input should be a valid number, unable to parse string as a number "
        "(given: 'x')",
        after_seconds="x",
    ),
    _run(
        "after_seconds null",
        422,
        "after_seconds: input should be a valid number",
        after_seconds=None,
    ),
    _run(
        "configurable and context",
        400,
        "Cannot specify both configurable and context. Give config.configurable to graphs that "
        "read their configuration, context to graphs with a context schema.",
        config={"configurable": {"a": 1}},
        context={"b": 1},
    ),
    _run("bad checkpoint id", 422, NO_CHECKPOINT, checkpoint_id="nope"),
    _run("bad checkpoint", 422, NO_CHECKPOINT, checkpoint={"checkpoint_id": "nope"}),
    _run("bad checkpoint around", 422, NO_CHECKPOINT, checkpoint=INSIDE),
    _goto("goto a number", 3),
    _goto("goto true", True),
    _goto("goto an object without node", {"x": 1}),
    _goto("goto a list of numbers", [3]),
    _goto("goto a node that is a number", [{"node": 3}]),
    _run(
        "webhook",
        422,
        "webhook: the host '127.0.0.1' has an address that is not public; the operator may allow "
        "it in langgraph.json (webhooks.url)",
        webhook="http://127.0.0.1:9/",
    ),
    _run(
        "relative webhook",
        422,
        "webhook: give a whole URL that begins with http:// or https://",
        webhook="/threads",
    ),
    _run(
        "webhook empty",
        422,
        "webhook: string should have at least 1 character (given: '')",
        webhook="",
    ),
)

PAGES = (
    # The wire contract has 400 for this one.
    _get("limit abc", f"{RUNS}?limit=abc", 400, "limit: 'abc' is not a whole number"),
    _get("limit -1", f"{RUNS}?limit=-1", 422, "limit: -1 is not between 1 and 1000"),
    _get("limit 1001", f"{RUNS}?limit=1001", 422, "limit: 1001 is not between 1 and 1000"),
    _json(
        "search limit 1001",
        SEARCH,
        422,
        "limit: input should be less than or equal to 1000 (given: 1001)",
        {"limit": 1001},
    ),
    _json(
        "search limit -1",
        SEARCH,
        422,
        "limit: input should be greater than or equal to 1 (given: -1)",
        {"limit": -1},
    ),
    _json("search offset beyond 64 bits", SEARCH, 422, None, {"offset": 2**63}),
    _json("search for NUL", SEARCH, 422, f"metadata: {NO_NUL}", {"metadata": {"\0": 1}}),
    _json("search of values for NUL", SEARCH, 422, f"values: {NO_NUL}", {"values": {"k": "\0"}}),
    _get("runs with NUL for a status", f"{RUNS}?status=%00", 422, f"status: {NO_NUL}"),
    _json(
        "history for NUL",
        "/threads/{thread}/history",
        422,
        f"metadata: {NO_NUL}",
        {"metadata": {"source": {"x": ["\0"]}}},
    ),
    _json(
        "assistants of a graph with NUL",
        "/assistants/search",
        422,
        f"graph_id: {NO_NUL} (given: 'a\\x00')",
        {"graph_id": "a\0"},
    ),
    _get(
        "history limit 1001",
        "/threads/{thread}/history?limit=1001",
        422,
        "limit: 1001 is not between 1 and 1000",
    ),
    _get(
        "history limit x",
        "/threads/{thread}/history?limit=x",
        422,
        "limit: 'x' is not a whole number",
    ),
    _get("history before nonsense", "/threads/{thread}/history?before=x", 422, NO_CHECKPOINT),
    _get(
        "bad Last-Event-ID",
        RUNS + "/{run}/stream",
        422,
        "Last-Event-ID: 'abc' is not an event id",
        **{"last-event-id": "abc"},
    ),
    _get("bad stream_mode list", RUNS + "/{run}/stream?stream_mode=[x", 422, None),
)

STATES = (
    _json(
        "state of a thread without graph",
        "/threads/{blank}/state",
        400,
        "Thread '{blank}' has no assigned graph ID. Run a graph on it first, or create it with "
        "metadata.graph_id.",
        {"values": {"log": ["x"]}},
    ),
    _json(
        "bad as_node",
        STATE,
        400,
        "Node zzz does not exist",
        {"values": {"log": ["x"]}, "as_node": "zzz"},
    ),
    _json(
        "state while busy",
        "/threads/{busy}/state",
        409,
        "Thread {busy} has in-flight runs; wait for them or cancel them.",
        {"values": {"log": ["x"]}},
    ),
    _json(
        "run while busy",
        "/threads/{busy}/runs",
        409,
        "Thread is already running a task. Wait for it to finish or choose a different "
        "multitask strategy.",
        RUN | {"multitask_strategy": "reject"},
    ),
    _json(
        "values a reducer cannot take",
        STATE,
        400,
        'TypeError: can only concatenate list (not "int") to list',
        {"values": {"log": 3}},
    ),
    _json(
        "state behind a bad checkpoint",
        STATE,
        422,
        NO_CHECKPOINT,
        {"values": {"log": ["x"]}, "checkpoint_id": "nope"},
    ),
    _get("state at a bad checkpoint", f"{STATE}/nope", 422, NO_CHECKPOINT),
)

BAD_REQUESTS = (*UNKNOWN, *BODIES, *FIELDS, *PAGES, *STATES)
