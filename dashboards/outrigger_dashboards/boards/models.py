"""Board 6: what models and tools cost, how fast they are, and how they fail."""

from outrigger_dashboards.boards.names import MODELS, RUNS, SIDECAR
from outrigger_dashboards.panels import Board, Panel, Query, Row, Target, bad_above, tile
from outrigger_dashboards.promql.expression import DOLLARS, combined, per, ratio, times, top
from outrigger_dashboards.promql.queries import (
    gauge,
    mean,
    observed,
    quantile,
    rate,
)
from outrigger_dashboards.promql.selector import Pattern, Where

_CALLS = "gen_ai_client_operation_duration_seconds"
_CHUNK = "gen_ai_client_time_to_first_chunk_seconds"
_TOKENS = "gen_ai_client_tokens_total"
_COST = "langgraph_llm_cost_usd_total"
_TOOLS = "gen_ai_execute_tool_duration_seconds"
_NODES = "langgraph_node_duration_seconds"
_FAILED: Where = {"error_type": Pattern(".+")}
_HOUR = 3600.0
_TRACED = "traces reach the sidecar"

_SUCCESSES = rate("langgraph_runs_finished_total", where={"outcome": "success"})
_COST_PER_RUN_SECOND = per(rate(_COST), rate("langgraph_runs_finished_total"), DOLLARS)

TILES = (
    tile(
        "hourly",
        "Cost per hour",
        "What models cost at the present rate, by the price table.",
        times(rate(_COST), _HOUR, DOLLARS),
        leads_to=Target(MODELS, "cost"),
        quiet=_TRACED,
    ),
    tile(
        "per-success",
        "Cost per successful run",
        "All cost divided by the runs that succeeded. Rises: failures and cuts cost money, or "
        "prompts grow.",
        per(rate(_COST), _SUCCESSES, DOLLARS),
        leads_to=Target(MODELS, "cost"),
        quiet=_TRACED,
    ),
    tile(
        "first-chunk",
        "First chunk p95",
        "Time until a model begins to answer. High for one provider: it is overloaded.",
        quantile(0.95, _CHUNK),
        *bad_above(2, 5),
        leads_to=Target(MODELS, "chunks"),
        quiet=_TRACED,
    ),
    tile(
        "failing",
        "Calls that fail",
        "Share of calls of models that ended in an error.",
        ratio(observed(_CALLS, where=_FAILED), observed(_CALLS)),
        *bad_above(0.01, 0.05),
        leads_to=Target(MODELS, "errors"),
        quiet=_TRACED,
    ),
    tile(
        "tokens-tile",
        "Tokens",
        "Tokens in and out, each second.",
        rate(_TOKENS, where={"token_type": ("input", "output")}),
        leads_to=Target(MODELS, "tokens"),
        quiet=_TRACED,
    ),
    tile(
        "cached",
        "Input from the cache",
        "Share of input tokens that the provider had cached. Falls: prompts begin differently "
        "each time, and cost more.",
        ratio(
            rate(_TOKENS, where={"token_type": "cache_read"}),
            rate(_TOKENS, where={"token_type": "input"}),
        ),
        quiet=_TRACED,
    ),
    tile(
        "tools-tile",
        "Tools that fail",
        "Share of tool calls with an error, also those that the graph hides from people.",
        ratio(observed(_TOOLS, where={"outcome": "error"}), observed(_TOOLS)),
        *bad_above(0.05, 0.2),
        leads_to=Target(MODELS, "tool-errors"),
        quiet=_TRACED,
    ),
    tile(
        "guessed",
        "Cost that is a guess",
        "Share of the cost for models without a price in the table. High: add their prices.",
        ratio(rate(_COST, where={"priced": "false"}), rate(_COST)),
        *bad_above(0.1, 0.5),
        leads_to=Target(MODELS, "cost"),
        quiet=_TRACED,
    ),
)

ROWS = (
    Row(
        "Cost and tokens",
        (
            Panel(
                "cost",
                "Cost per hour by model",
                "What each model costs at the present rate. A jump without more runs: longer "
                "prompts, loops or another model.",
                (
                    Query(
                        times(rate(_COST, by=["provider", "model"]), _HOUR, DOLLARS),
                        "{{provider}} {{model}}",
                    ),
                ),
                kind="stacked",
                quiet=_TRACED,
            ),
            Panel(
                "thrown-away",
                "Cost of thrown-away runs per hour",
                "Mean cost of a run times the runs that were cut or rolled back: an estimate. "
                "High: answer faster, or reject double texts.",
                (
                    Query(
                        times(
                            combined(
                                _COST_PER_RUN_SECOND,
                                "*",
                                rate(
                                    "langgraph_runs_finished_total",
                                    where={"outcome": ("interrupted", "cancelled", "rolled_back")},
                                ),
                            ),
                            _HOUR,
                            DOLLARS,
                        ),
                        "thrown away",
                    ),
                ),
                leads_to=Target(RUNS, "waste"),
                quiet=_TRACED,
            ),
            Panel(
                "tokens",
                "Tokens by type",
                "cache_read is a part of input, reasoning one of output. Input grows alone: "
                "histories are not cut.",
                (Query(rate(_TOKENS, by=["token_type"]), "{{token_type}}"),),
                quiet=_TRACED,
            ),
        ),
    ),
    Row(
        "Models",
        (
            Panel(
                "chunks",
                "First chunk p95 by model",
                "People wait at least this long. High for one model: its provider is slow.",
                (
                    Query(
                        quantile(0.95, _CHUNK, by=["provider", "model"]), "{{provider}} {{model}}"
                    ),
                ),
                thresholds=bad_above(2, 5),
                quiet=_TRACED,
            ),
            Panel(
                "calls",
                "Duration of calls p95 by model",
                "To the last chunk. High with a quick first chunk: long answers.",
                (
                    Query(
                        quantile(0.95, _CALLS, by=["provider", "model"]), "{{provider}} {{model}}"
                    ),
                ),
                quiet=_TRACED,
            ),
            Panel(
                "errors",
                "Failed calls by class",
                "RateLimitError: too many calls, slow down or ask for more. Timeouts: the "
                "provider is overloaded.",
                (
                    Query(
                        top(10, observed(_CALLS, by=["provider", "error_type"], where=_FAILED)),
                        "{{provider}} {{error_type}}",
                    ),
                ),
                quiet="a traced call of a model fails",
            ),
        ),
    ),
    Row(
        "Tools and nodes",
        (
            Panel(
                "tools",
                "Tool calls p95",
                "Duration by tool. The slowest tool is often the run's duration.",
                (Query(quantile(0.95, _TOOLS, by=["tool"]), "{{tool}}"),),
                quiet=_TRACED,
            ),
            Panel(
                "tool-errors",
                "Tool calls by outcome",
                "Errors that grow: what the tool talks to is down, or the model calls it wrongly.",
                (Query(observed(_TOOLS, by=["outcome"]), "{{outcome}}"),),
                kind="stacked",
                quiet=_TRACED,
            ),
            Panel(
                "slow-nodes",
                "Slowest nodes",
                "Mean duration of the slowest ten nodes.",
                (Query(top(10, mean(_NODES, by=["graph", "node"])), "{{graph}} {{node}}"),),
                kind="bars",
                quiet=_TRACED,
            ),
            Panel(
                "nodes",
                "Node calls by outcome",
                "Interrupted is a question to a person; cancelled a cut. Error: see errors by "
                "class on the board of runs.",
                (Query(observed(_NODES, by=["outcome"]), "{{outcome}}"),),
                kind="stacked",
                leads_to=Target(RUNS, "errors"),
                quiet=_TRACED,
            ),
            Panel(
                "recursion",
                "Recursion limits hit",
                "Graphs that went round until they were stopped. Above 0: a loop in the graph "
                "that costs money.",
                (Query(rate("langgraph_graph_recursion_errors_total", by=["graph"]), "{{graph}}"),),
                quiet="a traced graph runs into its recursion limit",
            ),
            Panel(
                "traces",
                "Open traces",
                "Traces that have begun and not ended. Grows without end: ends do not arrive, and "
                "this board counts too little.",
                (Query(gauge("langgraph_traces_open"), "open"),),
                leads_to=Target(SIDECAR, "skipped"),
            ),
        ),
        folded=True,
    ),
)

BOARD = Board(
    MODELS,
    "Outrigger 6: models and tools",
    "What do models and tools cost, how fast are they, and how do they fail?",
    TILES,
    ROWS,
)
