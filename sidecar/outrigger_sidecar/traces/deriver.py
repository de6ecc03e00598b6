"""Counts and measures what traces tell, one operation after the other."""

import re
import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias

from outrigger_sidecar.relay.operation import RunOperation
from outrigger_sidecar.traces.ended_run import UNKNOWN, EndedRun, read_end, read_extra, text
from outrigger_sidecar.traces.prices import Prices
from outrigger_sidecar.traces.seen import Seen
from outrigger_sidecar.traces.trace_table import Step, Trace, TraceTable
from outrigger_sidecar.traces.usage import Usage
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metric_specs import MetricSpec
from outrigger_telemetry.metrics import Metrics

Exemplar: TypeAlias = Mapping[str, str]

ROOT_NODE = "__root__"
ORIGINAL_TRACE = "original_trace_id"
"""Metadata by which a sender says of which trace a second project gets a copy."""
REMEMBERED_RUNS = 32_768
"""At least so many ends are remembered, so that one that is sent again counts once."""

_TRACE_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class TraceDeriver:
    """The `Deriver` of the sidecar. Safe to use from any thread.

    What a run did is in the operation that carries its `end_time`, and in that one alone; the
    trace is needed to know a retry, and who of several reported an interrupt first.
    """

    def __init__(
        self,
        metrics: Metrics,
        prices: Prices,
        *,
        clock: Callable[[], float],
        ttl_seconds: float,
        max_open: int,
    ) -> None:
        self._metrics = metrics
        self._prices = prices
        self._lock = threading.Lock()
        self._seen = Seen(REMEMBERED_RUNS)
        self._traces = TraceTable(
            clock=clock, ttl_seconds=ttl_seconds, max_open=max_open, forgotten=self._forgotten
        )

    def observe(self, operation: RunOperation) -> None:
        """See `Deriver.observe`."""
        try:
            with self._lock:
                self._observe(operation)
        except Exception:  # noqa: BLE001  the edge: a stranger may have sent anything
            self._skip("unreadable")

    def open_ages(self) -> tuple[int, float]:
        """How many traces are open now, and the seconds since the oldest began."""
        with self._lock:
            return self._traces.open_ages()

    def _observe(self, operation: RunOperation) -> None:
        trace = self._traces.of(operation.trace_id)
        if operation.fields.get("end_time") is None:
            if not operation.fields.get("parent_run_id"):
                self._begin(trace, operation)
        elif not self._seen.add(operation.run_id):
            self._skip("duplicate")
        else:
            self._end(trace, operation)

    def _begin(self, trace: Trace, operation: RunOperation) -> None:
        trace.graph = text(operation.fields.get("name"))
        self._check_original(trace, read_extra(operation).get("metadata"))

    def _end(self, trace: Trace, operation: RunOperation) -> None:
        is_root = not operation.fields.get("parent_run_id")
        if is_root:
            trace.graph = text(operation.fields.get("name"))
        try:
            run = read_end(operation)
            self._check_original(trace, run.metadata)
            if trace.is_copy:
                self._skip("copy")
            else:
                self._count(trace, run)
        finally:
            if is_root:
                self._settle(trace)
                self._traces.end(trace)

    def _check_original(self, trace: Trace, metadata: object) -> None:
        original = metadata.get(ORIGINAL_TRACE) if isinstance(metadata, Mapping) else None
        if original is not None and original != trace.trace_id:
            trace.is_copy = True
            self._traces.end(trace)

    def _count(self, trace: Trace, run: EndedRun) -> None:
        exemplar = _exemplar(trace)
        node = run.node
        if node is not None:
            self._count_node(trace, run, node, exemplar)
        if run.run_type == "llm":
            self._count_model(run, exemplar)
        elif run.run_type == "tool":
            self._metrics.observe(
                specs.GEN_AI_EXECUTE_TOOL_DURATION_SECONDS,
                run.seconds,
                exemplar,
                tool=run.name,
                outcome=run.outcome,
            )
        elif run.is_recursion_error:
            where = (_graph_id(run), text(run.metadata.get("langgraph_node", ROOT_NODE)))
            if trace.recursion_errors.report(_place(run), where):
                self._count_step(specs.GRAPH_RECURSION_ERRORS_TOTAL, trace, where)

    def _count_node(
        self, trace: Trace, run: EndedRun, node: str, exemplar: Exemplar | None
    ) -> None:
        where = (_graph_id(run), node)
        self._metrics.observe(
            specs.NODE_DURATION_SECONDS,
            run.seconds,
            exemplar,
            graph=_graph(trace, where),
            node=node,
            outcome=run.outcome,
        )
        step = run.metadata.get("langgraph_checkpoint_ns")
        if isinstance(step, str) and self._traces.is_again(trace, step):
            self._count_step(specs.NODE_RETRIES_TOTAL, trace, where)
        if run.outcome == "interrupted" and trace.interrupts.report(_place(run), where):
            self._count_step(specs.INTERRUPTS_TOTAL, trace, where)

    def _count_model(self, run: EndedRun, exemplar: Exemplar | None) -> None:
        model = {"provider": run.provider, "model": run.model}
        self._metrics.observe(
            specs.GEN_AI_CLIENT_OPERATION_DURATION_SECONDS,
            run.seconds,
            exemplar,
            **model,
            error_type=run.error_type,
        )
        first = run.first_chunk_seconds
        if first is not None:
            self._metrics.observe(
                specs.GEN_AI_CLIENT_TIME_TO_FIRST_CHUNK_SECONDS, first, exemplar, **model
            )
        if (given := run.usage) is not None:
            self._count_tokens(Usage.read(given), model)

    def _count_tokens(self, usage: Usage, model: dict[str, str]) -> None:
        for token_type, tokens in usage.by_type.items():
            self._metrics.increment(
                specs.GEN_AI_CLIENT_TOKENS_TOTAL, tokens, **model, token_type=token_type
            )
        cost, is_known = self._prices.cost(usage, **model)
        priced = "true" if is_known else "false"
        self._metrics.increment(specs.LLM_COST_USD_TOTAL, cost, **model, priced=priced)

    def _count_step(self, spec: MetricSpec, trace: Trace, where: Step) -> None:
        self._metrics.increment(
            spec, 1, _exemplar(trace), graph=_graph(trace, where), node=where[1]
        )

    def _settle(self, trace: Trace) -> None:
        for where in trace.interrupts.settle():
            self._count_step(specs.INTERRUPTS_TOTAL, trace, where)
        for where in trace.recursion_errors.settle():
            self._count_step(specs.GRAPH_RECURSION_ERRORS_TOTAL, trace, where)

    def _forgotten(self, trace: Trace, reason: str) -> None:
        self._settle(trace)
        self._metrics.increment(specs.TRACES_FORGOTTEN_TOTAL, reason=reason)

    def _skip(self, reason: str) -> None:
        self._metrics.increment(specs.TRACE_OPERATIONS_SKIPPED_TOTAL, reason=reason)


def _graph_id(run: EndedRun) -> str | None:
    graph = run.metadata.get("graph_id")
    return text(graph) if isinstance(graph, str) else None


def _graph(trace: Trace, where: Step) -> str:
    return where[0] or trace.graph or UNKNOWN


def _place(run: EndedRun) -> str:
    return str(run.operation.fields.get("dotted_order") or run.operation.run_id)


def _exemplar(trace: Trace) -> Exemplar | None:
    # A page refuses to be made of an exemplar that is too long.
    if _TRACE_ID.fullmatch(trace.trace_id) is None:
        return None
    return {"trace_id": trace.trace_id}
