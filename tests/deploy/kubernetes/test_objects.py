"""The objects are ones that Kubernetes takes, and pods are as confined as it can make them."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from harness.kubernetes import (
    EXAMPLES,
    LABEL,
    OVERLAYS,
    Cluster,
    Object,
    containers,
    matches,
    mounts,
    ports,
    probes,
    read_objects,
)

OLDEST = "1.30"
"""The first in which sidecars and `preStop: sleep` need no switch."""

# No schema of Kubernetes' own has these: the keys we use, as their makers define them.
CUSTOM: dict[str, dict[str, Any]] = {
    "PodMonitor": {
        "jobLabel": str,
        "podTargetLabels": list,
        "selector": {"matchExpressions": list},
        "podMetricsEndpoints": [
            {
                "port": str,
                "path": str,
                "interval": str,
                "scrapeTimeout": str,
                "authorization": {"type": str, "credentials": {"name": str, "key": str}},
            }
        ],
    },
    "ScaledObject": {
        "scaleTargetRef": {"name": str},
        "minReplicaCount": int,
        "maxReplicaCount": int,
        "pollingInterval": int,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": dict}},
        "triggers": [
            {
                "type": str,
                "metricType": str,
                "metadata": {"serverAddress": str, "query": str, "threshold": str},
            }
        ],
    },
}
SCALED = {"outrigger-server", "outrigger-worker"}
VERSIONS = {"PodMonitor": "monitoring.coreos.com/v1", "ScaledObject": "keda.sh/v1alpha1"}


def oddities(given: Any, known: Any, place: str = "spec") -> list[str]:
    """What is not of the kind or of the name that it should be."""
    if isinstance(known, type):
        return [] if isinstance(given, known) else [f"{place} is {given!r}"]
    if isinstance(known, list):
        if not isinstance(given, list):
            return [f"{place} is no list"]
        return [fault for each in given for fault in oddities(each, known[0], place)]
    if not isinstance(given, dict):
        return [f"{place} is no mapping"]
    return [
        fault
        for key, value in given.items()
        for fault in (
            oddities(value, known[key], f"{place}.{key}") if key in known else [f"{place}.{key}"]
        )
    ]


def assert_taken(thing: Object) -> None:
    kind = thing["kind"]
    if kind in CUSTOM:
        assert thing["apiVersion"] == VERSIONS[kind]
        assert oddities(thing["spec"], CUSTOM[kind]) == []
        return
    for version in (OLDEST, kubernetes_validate.latest_version()):
        kubernetes_validate.validate(thing, version, strict=True)


def test_kubernetes_takes_every_object(cluster: Cluster) -> None:
    assert len(cluster.objects) > 15
    for thing in cluster.objects:
        assert_taken(thing)


@pytest.mark.parametrize("name", ["ingress.yml", "keda.yml"])
def test_kubernetes_takes_the_examples(name: str) -> None:
    for thing in read_objects((EXAMPLES / name).read_text()):
        assert_taken(thing)


@pytest.mark.parametrize(
    ("fault", "place"),
    [({"jobLable": "a"}, "spec.jobLable"), ({"jobLabel": 1}, "spec.jobLabel is 1")],
)
def test_a_key_that_nobody_knows_is_found(fault: Object, place: str) -> None:
    assert oddities(fault, CUSTOM["PodMonitor"]) == [place]


def test_nothing_needs_what_a_plain_cluster_has_not_unless_in_production(
    clusters: dict[str, Cluster],
) -> None:
    custom = {overlay: set(clusters[overlay].of(*CUSTOM)) for overlay in OVERLAYS}
    assert custom == {"dev": set(), "prod": {"outrigger"}}


def test_every_object_lies_in_the_namespace_of_its_overlay(cluster: Cluster) -> None:
    (namespace,) = cluster.of("Namespace")
    others = [each for each in cluster.objects if each["kind"] != "Namespace"]
    assert {each["metadata"]["namespace"] for each in others} == {namespace}
    labels = cluster.of("Namespace")[namespace]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_pod_may_do_more_than_it_must(cluster: Cluster) -> None:
    for name, pod in cluster.pods().items():
        spec = pod["spec"]
        assert spec["enableServiceLinks"] is False, name
        assert spec["automountServiceAccountToken"] is False, name
        security = spec["securityContext"]
        assert security["runAsNonRoot"], name
        assert security["runAsUser"] > 0, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(pod).values():
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_volumes_of_a_pod_are_bounded_and_its_secrets_read_only(cluster: Cluster) -> None:
    for pod in cluster.our_pods().values():
        for container in containers(pod).values():
            for path, volume in mounts(pod, container).items():
                if "emptyDir" in volume:
                    assert "sizeLimit" in volume["emptyDir"], path
                else:
                    (mount,) = (m for m in container["volumeMounts"] if m["mountPath"] == path)
                    assert mount["readOnly"], path
                    assert volume["secret"]["defaultMode"] == 0o440


def test_the_sidecar_starts_first_and_stops_last(cluster: Cluster) -> None:
    for name in ("outrigger-server", "outrigger-worker"):
        pod = cluster.pods()[name]
        (sidecar,) = pod["spec"]["initContainers"]
        assert (sidecar["name"], sidecar["restartPolicy"]) == ("sidecar", "Always")
        assert probes(sidecar).keys() == {"startup", "liveness"}
        assert pod["spec"]["shareProcessNamespace"]


def test_deployments_leave_the_number_of_pods_to_their_autoscaler(cluster: Cluster) -> None:
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]
        for each in cluster.of("HorizontalPodAutoscaler").values()
    }
    ours = {name: cluster.of("Deployment")[name] for name in SCALED}
    assert scaled.keys() == {"outrigger-server"} | (SCALED if cluster.of("PodMonitor") else set())
    for deployment in ours.values():
        assert "replicas" not in deployment["spec"]
    for name, scaler in scaled.items():
        deployment = ours[name]
        measured = [m["containerResource"] for m in scaler["metrics"] if "containerResource" in m]
        (cpu,) = measured
        assert cpu["container"] in containers(deployment["spec"]["template"])
        assert scaler["minReplicas"] <= scaler["maxReplicas"]


def test_every_selector_selects_just_what_it_is_for(cluster: Cluster) -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in cluster.pods().items()}

    def selected(selector: Object) -> set[str]:
        return {name for name, given in labels.items() if matches(selector, given)}

    for kind in ("Deployment", "PodDisruptionBudget"):
        for name, thing in cluster.of(kind).items():
            assert selected(thing["spec"]["selector"]) == {name}
    for name, service in cluster.of("Service").items():
        assert selected({"matchLabels": service["spec"]["selector"]}) == {name}
    for pod in cluster.our_pods().values():
        for spread in pod["spec"].get("topologySpreadConstraints", ()):
            assert spread["labelSelector"]["matchLabels"] == pod["metadata"]["labels"]
    both = {"outrigger-server", "outrigger-worker"}
    policies = cluster.of("NetworkPolicy")
    assert {name: selected(each["spec"]["podSelector"]) for name, each in policies.items()} == {
        "outrigger-server": {"outrigger-server"},
        "outrigger-metrics": both,
        "outrigger-outbound": both | {"outrigger-migrate"},
    }
    for monitor in cluster.of("PodMonitor").values():
        assert selected(monitor["spec"]["selector"]) == both


def test_ports_lead_to_ports_that_are_there(production: Cluster) -> None:
    pods = production.pods()
    for name, service in production.of("Service").items():
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in ports(pods[name])
    for name, opens in (("outrigger-server", {8000}), ("outrigger-metrics", {9464})):
        (rule,) = production.of("NetworkPolicy")[name]["spec"]["ingress"]
        assert {port["port"] for port in rule["ports"]} == opens
        assert opens <= set(ports(pods["outrigger-server"]).values())
    (endpoint,) = production.of("PodMonitor")["outrigger"]["spec"]["podMetricsEndpoints"]
    for name in ("outrigger-server", "outrigger-worker"):
        assert endpoint["port"] in ports(pods[name])


def test_the_job_that_prometheus_sees_is_one_that_the_rules_know(production: Cluster) -> None:
    rules = yaml.safe_load(
        (
            EXAMPLES.parents[2] / "dashboards/generated/kubernetes" / "prometheus-rules.yml"
        ).read_text()
    )
    label = production.of("PodMonitor")["outrigger"]["spec"]["jobLabel"]
    assert label == f"{LABEL}part-of"
    expressions = [rule["expr"] for group in rules["spec"]["groups"] for rule in group["rules"]]
    assert any('job=~"outrigger.*"' in each for each in expressions)
    assert {pod["metadata"]["labels"][label] for pod in production.our_pods().values()} == {
        "outrigger"
    }
