"""Autoscalers ask for metrics that exist, and the ingress lets streams and bodies through."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from harness.kubernetes import EXAMPLES, Cluster, Object, containers, read_objects
from harness.promtool import promtool
from outrigger_dashboards.linter.documents import nodes, tree
from outrigger_server.settings import ServerSettings
from outrigger_telemetry.metric_specs import BY_NAME

SHARE = Decimal("0.8")
"""How full the slots of a worker are when all is well."""


def adapter_rule() -> Object:
    (rule,) = yaml.safe_load((EXAMPLES / "prometheus-adapter.yml").read_text())["rules"]["external"]
    return dict(rule)


def keda_trigger() -> Object:
    (scaled,) = read_objects((EXAMPLES / "keda.yml").read_text())
    (trigger,) = scaled["spec"]["triggers"]
    return dict(trigger["metadata"])


def of_namespace(query: str) -> str:
    return query.replace("<<.LabelMatchers>>", 'namespace="outrigger"')


@pytest.fixture
def worker_metrics(production: Cluster) -> list[Object]:
    scaler = production.of("HorizontalPodAutoscaler")["outrigger-worker"]
    return list(scaler["spec"]["metrics"])


def external(metrics: list[Object]) -> Object:
    (found,) = (each["external"] for each in metrics if each["type"] == "External")
    return dict(found)


def assert_in_the_catalogue(query: str) -> None:
    seen = 0
    for node, _ in nodes(tree(query)):
        if not isinstance(node, promql_parser.VectorSelector):
            continue
        spec = BY_NAME[str(node.name)]
        known: dict[str, Any] = {label.name: label.values for label in spec.labels}
        for matcher in node.matchers.matchers:
            if matcher.name not in {"namespace", "__name__"}:
                assert matcher.value in known[matcher.name], query
        seen += 1
    assert seen


def test_the_queries_ask_for_metrics_and_values_of_the_catalogue() -> None:
    rule = adapter_rule()
    for query in (rule["seriesQuery"], of_namespace(rule["metricsQuery"]), keda_trigger()["query"]):
        assert_in_the_catalogue(query)


@pytest.mark.parametrize(
    "query", ["max(langgraph_run_queue_size)", 'max(langgraph_runs{status="busy"})']
)
def test_a_metric_or_a_value_that_is_not_there_would_be_found(query: str) -> None:
    with pytest.raises((KeyError, AssertionError)):
        assert_in_the_catalogue(query)


def test_the_demand_is_what_runs_and_what_waits_for_a_slot_however_many_say_it(
    tmp_path: Path,
) -> None:
    """Two sidecars tell the same of one database; runs behind their own thread need no worker."""
    told = {
        'langgraph_runs{namespace="outrigger",status="running"': 12,
        'langgraph_runs{namespace="outrigger",status="pending"': 13,
        'langgraph_run_queue_depth{namespace="outrigger",blocked="false"': 4,
        'langgraph_run_queue_depth{namespace="outrigger",blocked="true"': 9,
        'langgraph_runs{namespace="elsewhere",status="running"': 50,
    }
    series = [
        {"series": f'{name},pod="{pod}"}}', "values": f"{value}x10"}
        for name, value in told.items()
        for pod in ("a", "b")
    ]
    asked = [of_namespace(adapter_rule()["metricsQuery"]), keda_trigger()["query"]]
    cases = [
        {"expr": query, "eval_time": "5m", "exp_samples": [{"labels": "{}", "value": 16}]}
        for query in asked
    ]
    path = tmp_path / "demand.yml"
    trial = {"interval": "1m", "input_series": series, "promql_expr_test": cases}
    path.write_text(yaml.safe_dump({"tests": [trial]}))
    done = promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_autoscaler_asks_for_what_the_adapter_makes(worker_metrics: list[Object]) -> None:
    assert external(worker_metrics)["metric"]["name"] == adapter_rule()["name"]["as"]
    assert len(worker_metrics) == 2


def test_keda_asks_the_same_of_the_same(worker_metrics: list[Object], production: Cluster) -> None:
    trigger = keda_trigger()
    (scaled,) = read_objects((EXAMPLES / "keda.yml").read_text())
    ours = production.of("HorizontalPodAutoscaler")["outrigger-worker"]["spec"]
    ask = of_namespace(adapter_rule()["metricsQuery"])
    assert _selectors(trigger["query"]) == _selectors(ask)
    assert trigger["threshold"] == external(worker_metrics)["target"]["averageValue"]
    assert scaled["spec"]["scaleTargetRef"]["name"] == ours["scaleTargetRef"]["name"]
    advanced = scaled["spec"]["advanced"]["horizontalPodAutoscalerConfig"]
    assert advanced["behavior"] == ours["behavior"]
    assert (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]) == (
        ours["minReplicas"],
        ours["maxReplicas"],
    )
    assert [scaled["metadata"]["namespace"]] == list(production.of("Namespace"))


def _selectors(query: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    return {
        (node.name, frozenset((each.name, each.value) for each in node.matchers.matchers))
        for node, _ in nodes(tree(query))
        if isinstance(node, promql_parser.VectorSelector)
    }


def test_the_target_leaves_a_fifth_of_the_slots_free(
    production: Cluster, worker_metrics: list[Object]
) -> None:
    worker = containers(production.pods()["outrigger-worker"])["worker"]
    slots = Decimal(production.environment(worker)["OUTRIGGER_WORKER_SLOTS"])
    assert Decimal(external(worker_metrics)["target"]["averageValue"]) == SHARE * slots


def test_the_ingress_passes_on_streams_and_bodies_as_the_server_does(production: Cluster) -> None:
    (ingress,) = read_objects((EXAMPLES / "ingress.yml").read_text())
    prefix = "nginx.ingress.kubernetes.io/"
    said = {k.removeprefix(prefix): v for k, v in ingress["metadata"]["annotations"].items()}
    settings = ServerSettings()
    assert said["proxy-buffering"] == "off"
    assert said["proxy-body-size"] == f"{settings.max_body_bytes // 1024**2}m"
    assert int(said["proxy-read-timeout"]) > 10 * settings.heartbeat_seconds
    assert [ingress["metadata"]["namespace"]] == list(production.of("Namespace"))
    ((path,),) = (rule["http"]["paths"] for rule in ingress["spec"]["rules"])
    backend = path["backend"]["service"]
    service = production.of("Service")[backend["name"]]
    assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
