"""Alerts about models: limits of rate, cost, loops."""

from outrigger_dashboards.boards.names import MODELS
from outrigger_dashboards.config import DAY, HOUR, MINUTE, Limits
from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.expression import (
    DOLLARS,
    above,
    both,
    ratio,
    times,
)
from outrigger_dashboards.promql.queries import appeared, before, observed, rate
from outrigger_dashboards.promql.selector import Pattern
from outrigger_dashboards.rules.model import Alert, Signal

_CALLS = "gen_ai_client_operation_duration_seconds"
_COST = "langgraph_llm_cost_usd_total"
_RECURSION = "langgraph_graph_recursion_errors_total"
_LIMITED = Pattern(".*(RateLimit|TooManyRequests|ResourceExhausted|Throttl).*")


def model_alerts(limits: Limits) -> tuple[Alert, ...]:
    """Make them."""
    return (_rate_limited(limits), _cost(limits), _recursion())


def _rate_limited(limits: Limits) -> Alert:
    over = 5 * MINUTE
    model = {"provider": "openai", "model": "m"}
    by = ["job", "provider"]
    return Alert(
        name="LLMRateLimited",
        expression=above(
            ratio(
                observed(_CALLS, by, {"error_type": _LIMITED}, over), observed(_CALLS, by, {}, over)
            ),
            limits.rate_limited_ratio,
        ),
        lasts=5 * MINUTE,
        severity="warning",
        component="models",
        summary="A provider of models refuses calls: too many",
        description="{{ $value | humanizePercentage }} of the calls of {{ $labels.provider }} "
        "are refused for their rate.",
        panel=Target(MODELS, "errors"),
        signals=(
            Signal(_CALLS, 30, 0, {**model, "error_type": "RateLimitError"}, "_count"),
            Signal(_CALLS, 60, 60, {**model, "error_type": ""}, "_count"),
        ),
        window=over,
    )


def _cost(limits: Limits) -> Alert:
    hourly = times(rate(_COST, over=HOUR), HOUR, DOLLARS)
    daily = times(rate(_COST, over=DAY), HOUR * limits.cost_factor, DOLLARS)
    usual = limits.cost_usd_per_hour / 600
    return Alert(
        name="CostAnomaly",
        expression=both(
            both(above(hourly, daily), above(hourly, limits.cost_usd_per_hour)),
            before(_COST, DAY),
        ),
        lasts=15 * MINUTE,
        severity="warning",
        component="models",
        summary="Models cost several times as much as usual",
        description="The last hour cost {{ $value | humanize }} USD, more than "
        f"{limits.cost_factor:g} times the mean hour of the last day.",
        panel=Target(MODELS, "cost"),
        signals=(
            Signal(
                _COST, usual * 100, usual, {"provider": "openai", "model": "m", "priced": "true"}
            ),
        ),
        window=DAY,
        warm_up=DAY,
        stays=3 * HOUR,
    )


def _recursion() -> Alert:
    over = 15 * MINUTE
    where = {"graph": "g", "node": "__root__"}
    return Alert(
        name="RecursionLimit",
        expression=above(appeared(_RECURSION, ["job", "graph"], over), 0),
        lasts=0,
        severity="warning",
        component="models",
        summary="A graph goes round until it is stopped",
        description="{{ $labels.graph }} ran into its recursion limit {{ $value | humanize }} "
        "times in 15 minutes: each time pays for every round.",
        panel=Target(MODELS, "recursion"),
        signals=(Signal(_RECURSION, 1, 0, where), Signal("up", 1, 1)),
        window=over,
    )
