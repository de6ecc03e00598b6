"""What the server says of itself, and paths it does not have."""

from harness.differential.case import (
    Ask,
    assistant,
    case,
    delete,
    get,
    head,
    of_noun,
    post,
    put,
    thread,
)

UNKNOWN = "01a20000-0000-7000-8000-000000000008"


def preflight(method: str) -> Ask:
    """Ask as a browser does before a page of another origin sends such a request."""
    return Ask(
        "OPTIONS",
        "/threads",
        headers={
            "Origin": "https://example.com",
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "content-type,x-api-key",
        },
    )


SYSTEM = of_noun(
    "system",
    case("ok", get("/ok")),
    case("root", get("/")),
    case("info", get("/info")),
    case("metrics", get("/metrics")),
    case("metrics as JSON", get("/metrics", query={"format": "json"})),
    case("docs", get("/docs")),
    case("unknown path", get("/nope"), post("/nope", {})),
    case(
        "wrong method",
        get("/threads"),
        put("/threads", {}),
        delete("/assistants"),
        post("/ok", {}),
        put(f"/assistants/{UNKNOWN}", {}),
        delete(f"/threads/{UNKNOWN}/storage"),
    ),
    case("trailing slash", get("/ok/"), post("/threads/", {})),
    case("cross origin", get("/ok", headers={"Origin": "https://example.com"})),
    case("cross origin asked before", preflight("PATCH"), preflight("PUT")),
    case(
        "head",
        head("/"),
        head("/info"),
        assistant("echo"),
        head("/assistants/{assistant_id}"),
        thread(),
        head("/threads/{thread_id}/state"),
        head(f"/threads/{UNKNOWN}"),
        head("/threads"),
        head("/nope"),
    ),
)

NOT_YET = of_noun(
    "not yet",
    case("MCP", get("/mcp/"), post("/mcp/", {}), delete("/mcp/")),
    case("A2A", post(f"/a2a/{UNKNOWN}", {})),
    case("commands", post(f"/threads/{UNKNOWN}/commands", {})),
    case("events", post(f"/threads/{UNKNOWN}/stream/events", {})),
)
