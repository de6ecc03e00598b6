"""The states of a thread: the newest, older ones, changed ones, the history."""

from harness.differential.case import case, get, of_noun, post, thread

UNKNOWN = "01a20000-0000-7000-8000-000000000003"
RUN = {"assistant_id": "echo", "input": {"log": ["in"]}}
ASK = {"assistant_id": "approval", "input": {"log": ["in"]}}
NESTED = {"assistant_id": "outer", "input": {"log": ["in"]}}
RAN = (thread(), post("/threads/{thread_id}/runs/wait", RUN))
ASKED = (thread(), post("/threads/{thread_id}/runs/wait", ASK))
KEEP_CHECKPOINTS = {
    "newest": "body.0.checkpoint",
    "newest_id": "body.0.checkpoint.checkpoint_id",
    "older": "body.2.checkpoint",
    "older_id": "body.2.checkpoint.checkpoint_id",
}
HISTORY = post("/threads/{thread_id}/history", {"limit": 10}, keep=KEEP_CHECKPOINTS)

STATES = of_noun(
    "states",
    case("of an empty thread", thread(), get("/threads/{thread_id}/state")),
    case("after a run", *RAN, get("/threads/{thread_id}/state")),
    case("after a question", *ASKED, get("/threads/{thread_id}/state")),
    case(
        "after a failure",
        thread(),
        post("/threads/{thread_id}/runs/wait", {"assistant_id": "failing", "input": {}}),
        get("/threads/{thread_id}/state"),
    ),
    case(
        "with subgraphs",
        thread(),
        post("/threads/{thread_id}/runs/wait", {**NESTED, "interrupt_before": ["inner_step"]}),
        get("/threads/{thread_id}/state"),
        get("/threads/{thread_id}/state", query={"subgraphs": "true"}),
    ),
    case(
        "of a question in a subgraph",
        thread(),
        post("/threads/{thread_id}/runs/wait", {**ASK, "assistant_id": "asking"}),
        get("/threads/{thread_id}/state", keep={"inner": "body.tasks.0.checkpoint"}),
        get("/threads/{thread_id}/state", query={"subgraphs": "true"}),
        post("/threads/{thread_id}/state/checkpoint", {"checkpoint": "{inner}"}),
        post("/threads/{thread_id}/history", {"checkpoint": "{inner}", "limit": 10}),
        post("/threads/{thread_id}/history", {"limit": 10}),
    ),
    case("of an unknown thread", get(f"/threads/{UNKNOWN}/state")),
    case("of a bad id", get("/threads/x/state")),
    case(
        "of a checkpoint",
        *RAN,
        HISTORY,
        get("/threads/{thread_id}/state/{older_id}"),
        post("/threads/{thread_id}/state/checkpoint", {"checkpoint": "{older}"}),
        get(f"/threads/{{thread_id}}/state/{UNKNOWN}"),
        get("/threads/{thread_id}/state/x"),
        post("/threads/{thread_id}/state/checkpoint", {"checkpoint": {"checkpoint_id": UNKNOWN}}),
        post(
            "/threads/{thread_id}/state/checkpoint", {"checkpoint": "{newest}", "subgraphs": True}
        ),
        post("/threads/{thread_id}/state/checkpoint", {}),
        post("/threads/{thread_id}/state/checkpoint", {"checkpoint": "x"}),
    ),
    case(
        "select",
        *RAN,
        get("/threads/{thread_id}/state", query={"select": ["values", "next"]}),
        get("/threads/{thread_id}/state", query={"select": "nope"}),
    ),
)

UPDATED = of_noun(
    "states updated",
    case(
        "update",
        *RAN,
        post("/threads/{thread_id}/state", {"values": {"log": ["new"]}}),
        get("/threads/{thread_id}/state"),
        get("/threads/{thread_id}"),
    ),
    case(
        "update as a node",
        *RAN,
        post("/threads/{thread_id}/state", {"values": {"log": ["new"]}, "as_node": "first"}),
        get("/threads/{thread_id}/state"),
        get("/threads/{thread_id}"),
        post("/threads/{thread_id}/runs/wait", {"assistant_id": "echo", "input": None}),
    ),
    case(
        "update at a checkpoint",
        *RAN,
        HISTORY,
        post(
            "/threads/{thread_id}/state",
            {"values": {"log": ["fork"]}, "checkpoint_id": "{older_id}", "as_node": "first"},
        ),
        post(
            "/threads/{thread_id}/state",
            {"values": {"log": ["fork"]}, "checkpoint": "{older}", "as_node": "first"},
        ),
        get("/threads/{thread_id}/state"),
        post("/threads/{thread_id}/history", {"limit": 10}),
    ),
    case(
        "update with null",
        *RAN,
        post("/threads/{thread_id}/state", {"values": None}),
        post("/threads/{thread_id}/state", {"values": None, "as_node": "__end__"}),
        get("/threads/{thread_id}/state"),
    ),
    case(
        "update as the answer to a question",
        *ASKED,
        post("/threads/{thread_id}/state", {"values": {"log": ["by hand"]}, "as_node": "ask"}),
        get("/threads/{thread_id}/state"),
        get("/threads/{thread_id}"),
    ),
    case(
        "update with several",
        *RAN,
        post("/threads/{thread_id}/state", {"values": [{"log": ["a"]}, {"log": ["b"]}]}),
    ),
    case(
        "update without graph",
        thread(),
        post("/threads/{thread_id}/state", {"values": {"log": ["x"]}}),
    ),
    case(
        "update an empty thread with a graph",
        thread(metadata={"graph_id": "echo"}),
        post("/threads/{thread_id}/state", {"values": {"log": ["x"]}, "as_node": "__start__"}),
        get("/threads/{thread_id}/state"),
    ),
    case(
        "update wrongly",
        *RAN,
        post("/threads/{thread_id}/state", {"values": {"log": ["x"]}, "as_node": "nope"}),
        post("/threads/{thread_id}/state", {"values": {"log": "no list"}}),
        post("/threads/{thread_id}/state", {"values": {"nope": 1}}),
        post("/threads/{thread_id}/state", {"values": {}, "checkpoint_id": UNKNOWN}),
        post("/threads/{thread_id}/state", {"values": {}, "checkpoint_id": "x"}),
        post("/threads/{thread_id}/state", {}),
        post("/threads/{thread_id}/state", content=b"{"),
    ),
    case(
        "update a subgraph",
        thread(),
        post("/threads/{thread_id}/runs/wait", {**ASK, "assistant_id": "asking"}),
        get(
            "/threads/{thread_id}/state",
            query={"subgraphs": "true"},
            keep={"inner": "body.tasks.0.state.checkpoint"},
        ),
        post(
            "/threads/{thread_id}/state",
            {"values": {"log": ["by hand"]}, "checkpoint": "{inner}", "as_node": "ask"},
        ),
        get("/threads/{thread_id}/state", query={"subgraphs": "true"}),
        post("/threads/{thread_id}/runs/wait", {"assistant_id": "asking", "input": None}),
    ),
    case("update unknown", post(f"/threads/{UNKNOWN}/state", {"values": {}})),
    case("update a bad id", post("/threads/x/state", {"values": {}})),
)

HISTORIES = of_noun(
    "histories",
    case("of an empty thread", thread(), post("/threads/{thread_id}/history", {"limit": 10})),
    case(
        "by page",
        *RAN,
        HISTORY,
        post("/threads/{thread_id}/history", {}),
        post("/threads/{thread_id}/history", {"limit": 2}),
        post("/threads/{thread_id}/history", {"before": "{older}"}),
        post("/threads/{thread_id}/history", {"before": {"configurable": "{older}"}}),
        post("/threads/{thread_id}/history", {"before": "{older_id}"}),
        post("/threads/{thread_id}/history", {"checkpoint": "{older}"}),
        post("/threads/{thread_id}/history", {"metadata": {"source": "input"}}),
        post("/threads/{thread_id}/history", {"select": ["values"]}),
        get("/threads/{thread_id}/history"),
        get("/threads/{thread_id}/history", query={"limit": 1}),
        get("/threads/{thread_id}/history", query={"before": "{older_id}"}),
        get("/threads/{thread_id}/history", query={"limit": "x"}),
    ),
    case("after a question", *ASKED, HISTORY),
    case(
        "by the thread's own id",
        *RAN,
        post("/threads/{thread_id}/history", {"metadata": {"thread_id": "{thread_id}"}}),
        post("/threads/{thread_id}/history", {"metadata": {"thread_id": UNKNOWN}}),
    ),
    case(
        "of a subgraph",
        thread(),
        post("/threads/{thread_id}/runs/wait", NESTED),
        post("/threads/{thread_id}/history", {"limit": 10}),
    ),
    case(
        "wrongly",
        *RAN,
        post("/threads/{thread_id}/history", {"limit": 0}),
        post("/threads/{thread_id}/history", {"limit": 1001}),
        post("/threads/{thread_id}/history", {"limit": "x"}),
        post("/threads/{thread_id}/history", {"before": 7}),
        post("/threads/{thread_id}/history", content=b"{"),
        post("/threads/{thread_id}/history"),
    ),
    case(
        "of an unknown thread",
        post(f"/threads/{UNKNOWN}/history", {}),
        get(f"/threads/{UNKNOWN}/history"),
    ),
    case("of a bad id", post("/threads/x/history", {}), get("/threads/x/history")),
)
