"""Threads: made, read, changed, found, copied, pruned."""

from harness.differential.case import case, delete, get, of_noun, patch, post, thread

UNKNOWN = "01a20000-0000-7000-8000-000000000002"
GIVEN = "01a20000-0000-7000-8000-0000000000b1"
RUN = {"assistant_id": "echo", "input": {"log": ["in"]}}
ASK = {"assistant_id": "approval", "input": {"log": ["in"]}}
SUPERSTEPS = [
    {"updates": [{"values": {"log": ["given"]}, "as_node": "__input__"}]},
    {"updates": [{"values": {"log": ["made"]}, "as_node": "first"}]},
]


def run_to_its_end(body=RUN, path="/threads/{thread_id}/runs/wait"):
    return post(path, body)


THREADS = of_noun(
    "threads",
    case("create", thread(), get("/threads/{thread_id}")),
    case("create from nothing", post("/threads"), post("/threads", content=b"")),
    case("create from no JSON", post("/threads", content=b"{")),
    case("create from a list", post("/threads", [1])),
    case(
        "create with metadata and graph",
        thread(metadata={"a": 1, "graph_id": "echo"}),
        get("/threads/{thread_id}"),
        get("/threads/{thread_id}/state"),
    ),
    case(
        "create twice",
        thread(thread_id=GIVEN, metadata={"a": 1}),
        thread(thread_id=GIVEN),
        thread(thread_id=GIVEN, if_exists="raise"),
        thread(thread_id=GIVEN, if_exists="do_nothing", metadata={"b": 2}),
        thread(thread_id=GIVEN, if_exists="nope"),
    ),
    case("create with a bad id", post("/threads", {"thread_id": "x"})),
    case("create with bad metadata", post("/threads", {"metadata": "x"})),
    case("create with ttl", thread(ttl={"ttl": 10, "strategy": "delete"})),
    case("create with ttl as a number", thread(ttl=10)),
    case("create with bad ttl", thread(ttl={"ttl": -1}), thread(ttl={"strategy": "nope"})),
    case(
        "create with supersteps",
        thread(metadata={"graph_id": "echo"}, supersteps=SUPERSTEPS),
        get("/threads/{thread_id}"),
        get("/threads/{thread_id}/state"),
        post("/threads/{thread_id}/history", {"limit": 10}),
    ),
    case("create with supersteps without graph", thread(supersteps=SUPERSTEPS)),
    case(
        "create with supersteps of an unknown node",
        thread(
            metadata={"graph_id": "echo"},
            supersteps=[{"updates": [{"values": {"log": ["x"]}, "as_node": "nope"}]}],
        ),
    ),
    case("get unknown", get(f"/threads/{UNKNOWN}")),
    case("get a bad id", get("/threads/x")),
    case("get with ttl", thread(), get("/threads/{thread_id}", query={"include": "ttl"})),
    case("get with what is not there", thread(), get("/threads/{thread_id}?include=nope")),
    case(
        "after a run",
        thread(metadata={"own": 1}),
        run_to_its_end(),
        get("/threads/{thread_id}"),
    ),
    case("after a question", thread(), run_to_its_end(ASK), get("/threads/{thread_id}")),
    case(
        "after a failure",
        thread(),
        run_to_its_end({"assistant_id": "failing", "input": {}}),
        get("/threads/{thread_id}"),
    ),
    case(
        "patch",
        thread(metadata={"a": 1, "b": 1}),
        patch("/threads/{thread_id}", {"metadata": {"b": 2, "c": 3}}),
        get("/threads/{thread_id}"),
        patch("/threads/{thread_id}", {}),
        patch("/threads/{thread_id}", {"metadata": "x"}),
        patch("/threads/{thread_id}", {"metadata": {"d": 4}}, headers={"Prefer": "return=minimal"}),
        patch("/threads/{thread_id}", {"ttl": {"ttl": 5, "strategy": "delete"}}),
    ),
    case("patch unknown", patch(f"/threads/{UNKNOWN}", {"metadata": {}})),
    case("patch a bad id", patch("/threads/x", {"metadata": {}})),
    case(
        "delete",
        thread(),
        run_to_its_end(),
        delete("/threads/{thread_id}"),
        get("/threads/{thread_id}"),
        get("/threads/{thread_id}/state"),
        post("/threads/{thread_id}/history", {"limit": 10}),
        get("/threads/{thread_id}/runs"),
        delete("/threads/{thread_id}"),
    ),
    case("delete a bad id", delete("/threads/x")),
    case(
        "copy",
        thread(metadata={"own": 1}),
        run_to_its_end(),
        post("/threads/{thread_id}/copy", keep={"copy_id": "body.thread_id"}),
        get("/threads/{copy_id}"),
        get("/threads/{copy_id}/state"),
        post("/threads/{copy_id}/history", {"limit": 10}),
        get("/threads/{copy_id}/runs"),
        post("/threads/{copy_id}/runs/wait", RUN),
    ),
    case("copy an empty one", thread(), post("/threads/{thread_id}/copy")),
    case("copy unknown", post(f"/threads/{UNKNOWN}/copy")),
    case("copy a bad id", post("/threads/x/copy")),
    case(
        "prune",
        thread("a_id"),
        thread("b_id"),
        thread("c_id"),
        post("/threads/prune", {"thread_ids": ["{a_id}", "{b_id}", UNKNOWN]}),
        get("/threads/{a_id}"),
        get("/threads/{c_id}"),
        post("/threads/prune", {"thread_ids": ["{c_id}"], "strategy": "delete"}),
        get("/threads/{c_id}"),
    ),
    case(
        "prune to the latest",
        thread(),
        run_to_its_end(),
        post("/threads/prune", {"thread_ids": ["{thread_id}"], "strategy": "keep_latest"}),
        get("/threads/{thread_id}/state"),
        post("/threads/{thread_id}/history", {"limit": 10}),
    ),
    case("prune nothing", post("/threads/prune", {"thread_ids": []})),
    case("prune without ids", post("/threads/prune", {})),
    case("prune a bad id", post("/threads/prune", {"thread_ids": ["x"]})),
    case(
        "prune with a bad strategy",
        post("/threads/prune", {"thread_ids": [UNKNOWN], "strategy": "nope"}),
    ),
    case("storage", thread(), run_to_its_end(), get("/threads/{thread_id}/storage")),
    case("storage of an empty one", thread(), get("/threads/{thread_id}/storage")),
    case("storage of an unknown one", get(f"/threads/{UNKNOWN}/storage")),
    case("storage of a bad id", get("/threads/x/storage")),
)

FOUND = of_noun(
    "threads found",
    case(
        "search",
        thread("a_id", metadata={"case": "{case}", "n": 1}),
        thread("b_id", metadata={"case": "{case}", "n": 2}),
        thread("c_id", metadata={"case": "{case}", "n": 3}),
        post("/threads/{a_id}/runs/wait", RUN),
        post("/threads/{b_id}/runs/wait", ASK),
        post("/threads/search", {"metadata": {"case": "{case}"}}),
        post("/threads/search", {"metadata": {"case": "{case}", "n": 2}}),
        post("/threads/search", {"metadata": {"case": "{case}"}, "status": "idle"}),
        post("/threads/search", {"metadata": {"case": "{case}"}, "status": "interrupted"}),
        post("/threads/search", {"metadata": {"case": "{case}"}, "status": "busy"}),
        post("/threads/search", {"metadata": {"case": "{case}"}, "limit": 2}),
        post("/threads/search", {"metadata": {"case": "{case}"}, "limit": 2, "offset": 2}),
        post(
            "/threads/search",
            {"metadata": {"case": "{case}"}, "sort_by": "created_at", "sort_order": "asc"},
        ),
        post("/threads/search", {"metadata": {"case": "{case}"}, "sort_by": "updated_at"}),
        post("/threads/search", {"metadata": {"case": "{case}"}, "sort_by": "thread_id"}),
        post(
            "/threads/search",
            {"metadata": {"case": "{case}"}, "select": ["thread_id", "status", "values"]},
        ),
        post("/threads/search", {"ids": ["{a_id}", "{c_id}"]}),
        post("/threads/search", {"metadata": {"case": "{case}"}, "ids": ["{b_id}", UNKNOWN]}),
        post(
            "/threads/search",
            {
                "metadata": {"case": "{case}", "n": 1},
                "extract": {"first": "values.log[0]", "last": "values.log[-1]", "none": "values.x"},
            },
        ),
        post("/threads/count", {"metadata": {"case": "{case}"}}),
        post("/threads/count", {"metadata": {"case": "{case}"}, "status": "idle"}),
    ),
    case(
        "search by values",
        thread(metadata={"case": "{case}"}),
        post(
            "/threads/{thread_id}/runs/wait",
            {"assistant_id": "settings", "input": {}, "context": {"colour": "{case}"}},
        ),
        post("/threads/search", {"values": {"colour": "{case}"}}),
        post("/threads/count", {"values": {"colour": "{case}"}}),
    ),
    case("search finds none", post("/threads/search", {"metadata": {"case": "nobody"}})),
    case("count finds none", post("/threads/count", {"metadata": {"case": "nobody"}})),
    case("search with limit 0", post("/threads/search", {"limit": 0})),
    case("search with limit 1001", post("/threads/search", {"limit": 1001})),
    case("search with a bad limit", post("/threads/search", {"limit": "x"})),
    case("search with a negative offset", post("/threads/search", {"offset": -1})),
    case("search with a bad status", post("/threads/search", {"status": "nope"})),
    case("search with a bad order", post("/threads/search", {"sort_by": "nope"})),
    case("search with a bad direction", post("/threads/search", {"sort_order": "nope"})),
    case("search with a bad select", post("/threads/search", {"select": ["nope"]})),
    case("search with bad ids", post("/threads/search", {"ids": ["x"]})),
    case("search with a bad extract", post("/threads/search", {"extract": {"a": "nope["}})),
    case("count with a bad status", post("/threads/count", {"status": "nope"})),
)
