"""Runs that are cancelled, superseded, refused or left by their readers."""

from harness.differential.case import (
    Finish,
    case,
    delete,
    get,
    of_noun,
    patch,
    post,
    thread,
    until_run,
    until_thread,
)

UNKNOWN = "01a20000-0000-7000-8000-000000000006"
SLOW = {"assistant_id": "echo", "input": {"log": ["slow"], "seconds": 40}}
FAST = {"assistant_id": "echo", "input": {"log": ["fast"], "seconds": 0}}
RUNS = "/threads/{thread_id}/runs"
# The middle node is on its way: its predecessor is in the state.
IN_MIDDLE = get("/threads/{thread_id}/state", until={"body.next": (["middle"],)})


def slow(**more):
    return post(RUNS, {**SLOW, **more}, keep={"run_id": "body.run_id"})


def fast(name="next_id", **more):
    return post(RUNS, {**FAST, **more}, keep={name: "body.run_id"})


def cancel(**query):
    return post(f"{RUNS}/{{run_id}}/cancel", query=query)


END = cancel(wait="true")
STREAM = post(f"{RUNS}/stream", {**SLOW, "stream_mode": ["values", "updates"]}, begin="stream")
NEWEST = get(RUNS, until={"body.0.status": ("running",)}, keep={"run_id": "body.0.run_id"})

CANCELS = of_noun(
    "cancels",
    case(
        "a running one",
        thread(),
        slow(),
        IN_MIDDLE,
        cancel(),
        until_run("interrupted"),
        until_thread("interrupted"),
        get("/threads/{thread_id}/state"),
        cancel(),
    ),
    case("a running one and wait", thread(), slow(), IN_MIDDLE, END, until_run("interrupted")),
    case(
        "with rollback",
        thread(),
        slow(),
        IN_MIDDLE,
        cancel(action="rollback", wait="true"),
        get(f"{RUNS}/{{run_id}}"),
        until_thread("idle"),
        get("/threads/{thread_id}/state"),
    ),
    case(
        "a pending one",
        thread(),
        slow(after_seconds=600),
        cancel(),
        until_run("interrupted"),
        until_thread("idle"),
    ),
    case(
        "a pending one with rollback",
        thread(),
        slow(after_seconds=600),
        cancel(action="rollback"),
        get(f"{RUNS}/{{run_id}}"),
    ),
    case("with a bad action", thread(), slow(), IN_MIDDLE, cancel(action="nope"), END),
    case("an ended one", thread(), fast("run_id"), until_run("success"), cancel(), END),
    case("an unknown one", thread(), post(f"{RUNS}/{UNKNOWN}/cancel")),
    case("a bad id", thread(), post(f"{RUNS}/x/cancel")),
    case("in an unknown thread", post(f"/threads/{UNKNOWN}/runs/{UNKNOWN}/cancel")),
    case(
        "one that is streamed",
        thread(),
        STREAM,
        IN_MIDDLE,
        NEWEST,
        END,
        Finish("stream"),
    ),
    case(
        "one that is waited for",
        thread(),
        post(f"{RUNS}/wait", SLOW, begin="wait"),
        IN_MIDDLE,
        NEWEST,
        END,
        Finish("wait"),
    ),
    case(
        "and go on",
        thread(),
        slow(),
        IN_MIDDLE,
        END,
        until_thread("interrupted"),
        post("/threads/{thread_id}/state", {"values": {"seconds": 0}, "as_node": "first"}),
        post(f"{RUNS}/wait", {"assistant_id": "echo", "input": None}),
    ),
    case(
        "many by id",
        thread(),
        slow(),
        IN_MIDDLE,
        post("/runs/cancel", {"thread_id": "{thread_id}", "run_ids": ["{run_id}"]}),
        until_run("interrupted"),
    ),
    case(
        "many with rollback",
        thread(),
        slow(),
        IN_MIDDLE,
        post(
            "/runs/cancel",
            {"thread_id": "{thread_id}", "run_ids": ["{run_id}"]},
            query={"action": "rollback"},
        ),
        get(f"{RUNS}/{{run_id}}", until={"status": (404,)}),
    ),
    case(
        "many wrongly",
        thread(),
        post("/runs/cancel", {}),
        post("/runs/cancel", {"status": "nope"}),
        post("/runs/cancel", {"status": "all", "thread_id": "{thread_id}"}),
        post("/runs/cancel", {"thread_id": "{thread_id}"}),
        post("/runs/cancel", {"thread_id": "{thread_id}", "run_ids": [UNKNOWN]}),
        post("/runs/cancel", {"thread_id": "x", "run_ids": [UNKNOWN]}),
        post("/runs/cancel", content=b"{"),
    ),
    case(
        "by leaving",
        thread(),
        post(
            f"{RUNS}/stream",
            {**SLOW, "stream_mode": "updates", "on_disconnect": "cancel"},
            leave_after="updates",
        ),
        until_thread("interrupted"),
        get(RUNS),
    ),
    case(
        "not by leaving",
        thread(),
        post(
            f"{RUNS}/stream",
            {
                "assistant_id": "echo",
                "input": {"log": ["slow"], "seconds": 0.5},
                "stream_mode": "updates",
            },
            leave_after="updates",
        ),
        until_thread("idle"),
        get(RUNS),
        get("/threads/{thread_id}/state"),
    ),
)

DOUBLE_TEXTS = of_noun(
    "double texts",
    case("reject", thread(), slow(), IN_MIDDLE, fast(multitask_strategy="reject"), END, get(RUNS)),
    case(
        "reject a wait and a stream",
        thread(),
        slow(),
        IN_MIDDLE,
        post(f"{RUNS}/wait", {**FAST, "multitask_strategy": "reject"}),
        post(f"{RUNS}/stream", {**FAST, "multitask_strategy": "reject"}),
        END,
    ),
    case(
        "enqueue",
        thread(),
        slow(),
        IN_MIDDLE,
        fast(multitask_strategy="enqueue"),
        END,
        until_run("success", run="next_id"),
        until_thread("idle"),
        get("/threads/{thread_id}/state"),
    ),
    case(
        "interrupt",
        thread(),
        slow(),
        IN_MIDDLE,
        fast(multitask_strategy="interrupt"),
        until_run("success", run="next_id"),
        until_thread("idle"),
        get(f"{RUNS}/{{run_id}}"),
        get("/threads/{thread_id}/state"),
        post("/threads/{thread_id}/history", {"limit": 10}),
    ),
    case(
        "rollback",
        thread(),
        slow(),
        IN_MIDDLE,
        fast(multitask_strategy="rollback"),
        until_run("success", run="next_id"),
        until_thread("idle"),
        get(f"{RUNS}/{{run_id}}"),
        get("/threads/{thread_id}/state"),
        post("/threads/{thread_id}/history", {"limit": 10}),
    ),
    case(
        "interrupt one that is streamed",
        thread(),
        STREAM,
        IN_MIDDLE,
        fast(multitask_strategy="interrupt"),
        Finish("stream"),
        until_run("success", run="next_id"),
    ),
    case(
        "rollback one that is streamed",
        thread(),
        STREAM,
        IN_MIDDLE,
        fast(multitask_strategy="rollback"),
        Finish("stream"),
        until_run("success", run="next_id"),
    ),
    case(
        "while busy",
        thread(),
        slow(),
        IN_MIDDLE,
        get("/threads/{thread_id}"),
        post("/threads/{thread_id}/state", {"values": {"log": ["x"]}}),
        patch("/threads/{thread_id}", {"metadata": {"a": 1}}),
        post("/threads/{thread_id}/copy", keep={"copy_id": "body.thread_id"}),
        get("/threads/{copy_id}/state"),
        END,
    ),
    case(
        "delete a busy thread",
        thread(),
        slow(),
        IN_MIDDLE,
        delete("/threads/{thread_id}"),
        get("/threads/{thread_id}"),
    ),
    case(
        "delete a running run",
        thread(),
        slow(),
        IN_MIDDLE,
        delete(f"{RUNS}/{{run_id}}"),
        get(f"{RUNS}/{{run_id}}"),
    ),
)
