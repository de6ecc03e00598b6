"""Streams of runs: each mode, subgraphs, failures, questions, joined and replayed."""

from harness.differential.case import (
    Finish,
    case,
    get,
    of_noun,
    post,
    thread,
    until_run,
    until_thread,
)

UNKNOWN = "01a20000-0000-7000-8000-000000000007"
RUN = {"assistant_id": "echo", "input": {"log": ["in"]}}
MODES = (
    "values",
    "updates",
    "custom",
    "debug",
    "tasks",
    "checkpoints",
    "events",
    "messages",
    "messages-tuple",
)
CHAT = {
    "assistant_id": "chat",
    "input": {"messages": [{"role": "user", "content": "hi", "id": "h"}]},
}


def stream(**body):
    return post("/threads/{thread_id}/runs/stream", {**RUN, **body})


def of_modes(name, **body):
    """One case for each mode."""
    return tuple(
        case(f"{name} {mode}", thread(), stream(**body, stream_mode=mode)) for mode in MODES
    )


JOINED = post(
    "/threads/{thread_id}/runs",
    {**RUN, "stream_resumable": True, "stream_mode": ["values", "updates"]},
    keep={"run_id": "body.run_id"},
)
JOIN = "/threads/{thread_id}/runs/{run_id}/stream"

STREAMS = of_noun(
    "streams",
    *of_modes("of a log by"),
    *of_modes("of a chat by", **CHAT),
    *of_modes("of a question by", assistant_id="approval"),
    *of_modes("of a failure by", assistant_id="failing"),
    case("without a mode", thread(), stream()),
    case("of several modes", thread(), stream(stream_mode=["values", "updates", "custom"])),
    case("of no mode", thread(), stream(stream_mode=[])),
    case(
        "of both kinds of messages",
        thread(),
        stream(**CHAT, stream_mode=["messages", "messages-tuple"]),
    ),
    case(
        "of subgraphs",
        thread(),
        stream(
            assistant_id="outer", stream_mode=["values", "updates", "custom"], stream_subgraphs=True
        ),
    ),
    case(
        "of a graph around subgraphs",
        thread(),
        stream(assistant_id="outer", stream_mode=["values", "updates", "custom"]),
    ),
    case(
        "of tasks and checkpoints of subgraphs",
        thread(),
        stream(assistant_id="outer", stream_mode=["tasks", "checkpoints"], stream_subgraphs=True),
    ),
    case(
        "of subgraphs by debug",
        thread(),
        stream(assistant_id="outer", stream_mode="debug", stream_subgraphs=True),
    ),
    case(
        "of subgraphs by events",
        thread(),
        stream(assistant_id="outer", stream_mode="events", stream_subgraphs=True),
    ),
    case(
        "of an answer",
        thread(),
        stream(assistant_id="approval", stream_mode="updates"),
        post(
            "/threads/{thread_id}/runs/stream",
            {
                "assistant_id": "approval",
                "command": {"resume": "yes"},
                "stream_mode": ["values", "updates"],
            },
        ),
    ),
    case(
        "up to a stop",
        thread(),
        stream(interrupt_before=["middle"], stream_mode=["values", "updates"]),
        stream(input=None, stream_mode=["values", "updates"]),
    ),
    case("of what cannot run", thread(), stream(input=None), stream(config={"recursion_limit": 1})),
    case("resumably", thread(), stream(stream_resumable=True, stream_mode="updates")),
    case("of bad modes", thread(), stream(stream_mode="nope"), stream(stream_mode=["values", 7])),
    case("of an unknown graph", thread(), stream(assistant_id="nope")),
    case("in no thread", post(f"/threads/{UNKNOWN}/runs/stream", RUN)),
    case("in a bad thread", post("/threads/x/runs/stream", RUN)),
    case(
        "that create their thread",
        post(
            "/threads/01a20000-0000-7000-8000-0000000000d1/runs/stream",
            {**RUN, "if_not_exists": "create"},
        ),
    ),
    case(
        "replayed",
        thread(),
        JOINED,
        until_run("success"),
        get(JOIN, headers={"Last-Event-ID": "-1"}, keep={"event_id": "frames.1.id"}),
        get(JOIN, headers={"Last-Event-ID": "0"}),
        get(JOIN, headers={"Last-Event-ID": "{event_id}"}),
        get(JOIN, headers={"Last-Event-ID": "-1"}, query={"stream_mode": "updates"}),
        get(JOIN, headers={"Last-Event-ID": "-1"}, query={"stream_mode": ["values", "updates"]}),
        get(JOIN, headers={"Last-Event-ID": "-1"}, query={"stream_mode": "custom"}),
        get(JOIN, headers={"Last-Event-ID": "-1"}, query={"stream_mode": "nope"}),
        get(JOIN, headers={"Last-Event-ID": "x"}),
        get(JOIN),
    ),
    case(
        "joined",
        thread(),
        post(
            "/threads/{thread_id}/runs",
            {"assistant_id": "echo", "input": {"seconds": 0.3}, "after_seconds": 0.5},
            keep={"run_id": "body.run_id"},
        ),
        get(JOIN),
    ),
    case("joined without a run", thread(), get(f"/threads/{{thread_id}}/runs/{UNKNOWN}/stream")),
    case("joined with a bad id", thread(), get("/threads/{thread_id}/runs/x/stream")),
)


# What comes before the run's end has been read; the thread's stream itself stays open.
RUN_SOON = post(
    "/threads/{thread_id}/runs",
    {**RUN, "stream_mode": ["updates"], "after_seconds": 1},
    keep={"run_id": "body.run_id"},
)


def listen(left_after, *then, **query):
    """Listen to a thread in the background until an event of that name has come."""
    listening = get(
        "/threads/{thread_id}/stream", query=query, begin="listen", leave_after=left_after
    )
    return (thread(), listening, *then, Finish("listen"))


THREAD_STREAMS = of_noun(
    "thread streams",
    case("of a run", *listen("updates", RUN_SOON), until_thread("idle")),
    case("of a run's life", *listen("metadata", RUN_SOON, stream_modes="lifecycle")),
    case("of several", *listen("metadata", RUN_SOON, stream_modes=["lifecycle", "run_modes"])),
    case(
        "of an update",
        *listen(
            "state_update",
            post("/threads/{thread_id}/runs/wait", RUN),
            post("/threads/{thread_id}/state", {"values": {"log": ["by hand"]}}),
            stream_modes="state_update",
        ),
    ),
    case("of an unknown thread", get(f"/threads/{UNKNOWN}/stream", leave_at_once=True)),
    case("of a bad id", get("/threads/x/stream")),
    case(
        "of a bad mode",
        thread(),
        get("/threads/{thread_id}/stream", query={"stream_modes": "nope"}),
    ),
)
