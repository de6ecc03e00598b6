"""What the server says of itself, and paths it does not have."""

from harness.differential.case import case, delete, get, of_noun, post, put

UNKNOWN = "01a20000-0000-7000-8000-000000000008"

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
        "wrong method", get("/threads"), put("/threads", {}), delete("/assistants"), post("/ok", {})
    ),
    case("trailing slash", get("/ok/"), post("/threads/", {})),
    case("cross origin", get("/ok", headers={"Origin": "https://example.com"})),
)

NOT_YET = of_noun(
    "not yet",
    case("MCP", get("/mcp/"), post("/mcp/", {}), delete("/mcp/")),
    case("A2A", post(f"/a2a/{UNKNOWN}", {})),
    case("commands", post(f"/threads/{UNKNOWN}/commands", {})),
    case("events", post(f"/threads/{UNKNOWN}/stream/events", {})),
)
