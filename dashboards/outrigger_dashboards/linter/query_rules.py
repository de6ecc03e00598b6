"""The rules of Grafana's dashboard linter for queries."""

from collections.abc import Callable, Iterator

import promql_parser

from outrigger_dashboards.linter.documents import Document, nodes, tree

QueryRule = Callable[[Document], Iterator[str]]
_RATES = {"rate", "irate"}
_GROWTHS = {"rate", "irate", "increase"}
_COUNTERS = ("_total", "_bucket", "_count", "_sum")
_LOKI = "loki"


def _is_loki(target: Document) -> bool:
    return (target.get("datasource") or {}).get("type") == _LOKI


def _text(target: Document) -> str:
    return str(target.get("expr") or "")


def target_promql(target: Document) -> Iterator[str]:
    """Queries are PromQL."""
    if _is_loki(target):
        return
    try:
        tree(_text(target))
    except ValueError as error:
        yield f"is no PromQL: {error}"


def target_logql(target: Document) -> Iterator[str]:
    """Queries of logs name a stream; our boards have none."""
    if _is_loki(target) and not _text(target).lstrip().startswith(("{", "sum", "rate", "count")):
        yield "is no LogQL"


def target_logql_auto(target: Document) -> Iterator[str]:
    """Ranges in queries of logs follow the panel."""
    text = _text(target)
    if _is_loki(target) and "[" in text and "[$__auto]" not in text:
        yield "has a fixed range; use $__auto"


def target_rate_interval(target: Document) -> Iterator[str]:
    """Rates look back as far as the panel's resolution asks."""
    text = _text(target)
    for call in _RATES:
        for piece in text.split(f"{call}(")[1:]:
            inside = piece.partition("]")[0]
            if "[" in inside and "[$__rate_interval" not in inside:
                yield f"{call} has a fixed range; use $__rate_interval"


def target_job(target: Document) -> Iterator[str]:
    """Every selector heeds the variable job."""
    yield from _heeds(target, "job")


def target_instance(target: Document) -> Iterator[str]:
    """Every selector heeds the variable instance, but those of recorded series, which have none."""
    yield from _heeds(target, "instance")


def _heeds(target: Document, name: str) -> Iterator[str]:
    # Marked before variables get values, so that the matcher can be told from any other.
    text = _text(target).replace(f'{name}=~"${name}"', f'{name}=~"chosen_{name}"')
    try:
        root = tree(text)
    except ValueError:
        return
    for node, _ in nodes(root):
        if not isinstance(node, promql_parser.VectorSelector):
            continue
        recorded = ":" in (node.name or "")
        if recorded and name == "instance":
            continue
        matchers = [each for each in node.matchers.matchers if each.name == name]
        if not any(each.value == f"chosen_{name}" for each in matchers):
            yield f'{node.name} is asked for without {name}=~"${name}"'


def target_counter_agg(target: Document) -> Iterator[str]:
    """Counters are only read by how fast they grow."""
    try:
        root = tree(_text(target))
    except ValueError:
        return
    for node, above in nodes(root):
        if not isinstance(node, promql_parser.VectorSelector):
            continue
        name = node.name or ""
        calls = {each.func.name for each in above if isinstance(each, promql_parser.Call)}
        if name.endswith(_COUNTERS) and ":" not in name and not calls & _GROWTHS:
            yield f"{name} is a counter without rate or increase"


QUERY_RULES: dict[str, QueryRule] = {
    "target-promql": target_promql,
    "target-logql": target_logql,
    "target-logql-auto": target_logql_auto,
    "target-rate-interval": target_rate_interval,
    "target-job": target_job,
    "target-instance": target_instance,
    "target-counter-agg": target_counter_agg,
}
