"""What every operation must ask the rules, as decision 019 has it.

In texts, `{name}` is the id of a thing that is there before; `uuid:*` any id and `*` anything.
"""

from dataclasses import dataclass
from typing import Any

CANCELS_ONE = frozenset({"/threads/{thread_id}/runs/{run_id}/cancel", "/runs/cancel"})
THREAD, RUN = "/threads/{thread_id}", "/threads/{thread_id}/runs/{run_id}"
ASSISTANT, CRON = "/assistants/{assistant_id}", "/runs/crons/{cron_id}"
OF_THREAD = {"thread_id": "uuid:{thread_id}"}
OF_ASSISTANT = {"assistant_id": "uuid:{assistant_id}"}
OF_CRON = {"cron_id": "uuid:{cron_id}"}
NEVER = "0 0 29 2 *"

Ask = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an operation, and what is asked for it, in order."""

    method: str
    path: str
    asks: tuple[Ask, ...]
    body: Any = None
    query: str = ""

    @property
    def route(self) -> tuple[str, str]:
        return self.method, self.path


def one(resource: str, action: str, value: dict[str, Any]) -> tuple[Ask, ...]:
    return ((resource, action, value),)


def reads(path: str, body: Any = None, method: str = "GET") -> Call:
    """Of a thread."""
    return Call(method, path, one("threads", "read", OF_THREAD), body)


def creates(path: str, place: str | None, **more: Any) -> Call:
    body = {"assistant_id": "{assistant_id}", "input": {}, "metadata": {"a": 1}, **more}
    return Call("POST", path, created(place), body)


def created(place: str | None) -> tuple[Ask, ...]:
    value = {
        "thread_id": place,
        **OF_ASSISTANT,
        "run_id": "uuid:*",
        "status": "pending",
        "metadata": {"a": 1},
        "prevent_insert_if_inflight": False,
        "multitask_strategy": "enqueue",
        "if_not_exists": "reject" if place else "create",
        "after_seconds": 0.0,
        "kwargs": "*",
    }
    return one("threads", "create_run", value)


def cancels(
    run_ids: Any, status: Any = None, thread_id: Any = "uuid:{thread_id}"
) -> tuple[Ask, ...]:
    about = {"run_ids": run_ids, "status": status}
    value = {"thread_id": thread_id, "action": "interrupt", "metadata": about}
    return one("threads", "update", value)


def makes_cron(path: str, place: str | None, first: Ask) -> Call:
    value = {
        "payload": {"input": {}, "schedule": NEVER, "metadata": {"a": 1}},
        "schedule": NEVER,
        "cron_id": "uuid:*",
        "thread_id": place,
        "user_id": "{by}",
        "end_time": None,
        "metadata": {"a": 1},
    }
    before = (first,) if place else ()
    asks = (*before, ("assistants", "read", OF_ASSISTANT), ("crons", "create", value))
    body = {"assistant_id": "{assistant_id}", "input": {}, "schedule": NEVER, "metadata": {"a": 1}}
    return Call("POST", path, asks, body)


WANTED = {"metadata": {"a": 1}, "values": {}, "status": None, "ids": None}
CRONS_WANTED = {"assistant_id": None, "thread_id": None, "metadata": {"a": 1}}
PAGE = {"limit": 3, "offset": 0}
PUT = {"namespace": ["a", "b"], "key": "k", "value": {"x": 1}}
SPACE = {"tuple": ["a", "b"]}

THREADS = (
    Call(
        "POST",
        "/threads",
        one("threads", "create", {"thread_id": "uuid:*", "metadata": {}, "if_exists": "raise"}),
        {},
    ),
    Call(
        "POST",
        "/threads/search",
        one("threads", "search", WANTED | PAGE),
        {"metadata": {"a": 1}, "limit": 3},
    ),
    Call("POST", "/threads/count", one("threads", "search", WANTED), {"metadata": {"a": 1}}),
    Call(
        "POST",
        "/threads/prune",
        one("threads", "delete", {"thread_ids": ["uuid:{thread_id}"]}),
        {"thread_ids": ["{thread_id}"]},
    ),
    reads(THREAD),
    Call(
        "PATCH",
        THREAD,
        one("threads", "update", {**OF_THREAD, "metadata": {"a": 1}}),
        {"metadata": {"a": 1}},
    ),
    Call("DELETE", THREAD, one("threads", "delete", OF_THREAD)),
    Call(
        "POST",
        f"{THREAD}/copy",
        (("threads", "read", OF_THREAD), ("threads", "create", {"thread_id": "uuid:*"})),
    ),
    reads(f"{THREAD}/storage"),
    reads(f"{THREAD}/state"),
    Call("POST", f"{THREAD}/state", one("threads", "update", OF_THREAD), {"values": {"seen": {}}}),
    reads(f"{THREAD}/state/{{checkpoint_id}}"),
    reads(f"{THREAD}/state/checkpoint", {"checkpoint": {}}, "POST"),
    reads(f"{THREAD}/history"),
    reads(f"{THREAD}/history", {}, "POST"),
    reads(f"{THREAD}/stream"),
)

RUNS = (
    creates(f"{THREAD}/runs", "uuid:{thread_id}"),
    creates(f"{THREAD}/runs/wait", "uuid:{thread_id}"),
    creates(f"{THREAD}/runs/stream", "uuid:{thread_id}"),
    Call("GET", f"{THREAD}/runs", one("threads", "search", {**OF_THREAD, "metadata": {}})),
    reads(RUN),
    Call("DELETE", RUN, one("threads", "delete", {**OF_THREAD, "run_id": "uuid:{run_id}"})),
    reads(f"{RUN}/join"),
    reads(f"{RUN}/stream"),
    Call("POST", f"{RUN}/cancel", cancels(["uuid:{run_id}"])),
    creates("/runs", None),
    creates("/runs/wait", None),
    creates("/runs/stream", None),
    Call(
        "POST",
        "/runs/batch",
        created(None) * 2,
        [{"assistant_id": "{assistant_id}", "input": {}, "metadata": {"a": 1}}] * 2,
    ),
    Call("GET", "/runs/{run_id}/stream", one("threads", "read", OF_THREAD)),
    Call("POST", "/runs/cancel", cancels(None, "pending", None), {"status": "pending"}),
    Call(
        "POST",
        "/runs/cancel",
        cancels(["uuid:{run_id}"]),
        {"thread_id": "{thread_id}", "run_ids": ["{run_id}"]},
    ),
)

ASSISTANTS = (
    Call(
        "POST",
        "/assistants",
        one(
            "assistants",
            "create",
            {
                "assistant_id": "uuid:*",
                "graph_id": "mirror",
                "name": "n",
                "config": {},
                "context": {},
                "metadata": {"a": 1},
                "if_exists": "raise",
            },
        ),
        {"graph_id": "mirror", "name": "n", "metadata": {"a": 1}},
    ),
    Call(
        "POST",
        "/assistants/search",
        one("assistants", "search", {"graph_id": "mirror", "metadata": {"a": 1}} | PAGE),
        {"graph_id": "mirror", "metadata": {"a": 1}, "limit": 3},
    ),
    Call(
        "POST",
        "/assistants/count",
        one("assistants", "search", {"graph_id": None, "metadata": {}}),
        {},
    ),
    *(
        Call("GET", ASSISTANT + rest, one("assistants", "read", OF_ASSISTANT))
        for rest in ("", "/graph", "/schemas", "/subgraphs", "/subgraphs/{namespace}")
    ),
    Call("POST", f"{ASSISTANT}/versions", one("assistants", "read", OF_ASSISTANT), {}),
    Call(
        "PATCH",
        ASSISTANT,
        one(
            "assistants",
            "update",
            {
                **OF_ASSISTANT,
                "graph_id": None,
                "name": "m",
                "config": None,
                "context": None,
                "metadata": {"a": 2},
            },
        ),
        {"name": "m", "metadata": {"a": 2}},
    ),
    Call(
        "POST",
        f"{ASSISTANT}/latest",
        one("assistants", "update", {**OF_ASSISTANT, "version": 1}),
        {"version": 1},
    ),
    Call("DELETE", ASSISTANT, one("assistants", "delete", OF_ASSISTANT)),
    Call(
        "DELETE",
        ASSISTANT,
        (("assistants", "delete", OF_ASSISTANT), ("threads", "delete", OF_ASSISTANT)),
        query="?delete_threads=true",
    ),
)

CRONS = (
    makes_cron(f"{THREAD}/runs/crons", "uuid:{thread_id}", ("threads", "update", OF_THREAD)),
    makes_cron("/runs/crons", None, ("", "", {})),
    Call(
        "POST",
        "/runs/crons/search",
        one("crons", "search", CRONS_WANTED | PAGE),
        {"metadata": {"a": 1}, "limit": 3},
    ),
    Call(
        "POST",
        "/runs/crons/count",
        one("crons", "search", CRONS_WANTED),
        {"metadata": {"a": 1}},
    ),
    Call("GET", CRON, one("crons", "read", OF_CRON)),
    Call(
        "PATCH",
        CRON,
        one(
            "crons",
            "update",
            {**OF_CRON, "payload": {"input": {"a": 1}, "enabled": False}, "enabled": False},
        ),
        {"enabled": False, "input": {"a": 1}},
    ),
    Call("DELETE", CRON, one("crons", "delete", OF_CRON)),
)

STORE = (
    Call(
        "PUT",
        "/store/items",
        one("store", "put", {"namespace": SPACE, "key": "k", "value": {"x": 1}, "index": None}),
        PUT,
    ),
    Call(
        "GET",
        "/store/items",
        one("store", "get", {"namespace": SPACE, "key": "k"}),
        query="?namespace=a.b&key=k",
    ),
    Call(
        "DELETE",
        "/store/items",
        one("store", "delete", {"namespace": SPACE, "key": "k"}),
        {"namespace": ["a", "b"], "key": "k"},
    ),
    Call(
        "POST",
        "/store/items/search",
        one("store", "search", {"namespace": SPACE, "filter": None, "query": None} | PAGE),
        {"namespace_prefix": ["a", "b"], "limit": 3},
    ),
    Call(
        "POST",
        "/store/namespaces",
        one(
            "store",
            "list_namespaces",
            {"namespace": SPACE, "suffix": None, "max_depth": None} | PAGE,
        ),
        {"prefix": ["a", "b"], "limit": 3},
    ),
)

CALLS = (*THREADS, *RUNS, *ASSISTANTS, *CRONS, *STORE)
