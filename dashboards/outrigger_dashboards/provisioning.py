"""What makes a Grafana show the boards by itself: its provisioning, and all of it in Kubernetes.

Nothing here starts anything; the files are mounted where Grafana looks for them.
"""

from collections.abc import Iterable
from typing import Any

from outrigger_dashboards.config import Links
from outrigger_dashboards.rules.grafana import DATASOURCE, FOLDER
from outrigger_dashboards.rules.prometheus import HEADING, dumped

IMAGE = "grafana/grafana:11.6.0"
BOARDS_AT = "/var/lib/grafana/outrigger"
PROVISIONING_AT = "/etc/grafana/provisioning"
RUNBOOKS_AT = "/usr/share/grafana/public/outrigger/runbooks"
ALERTS_AT = f"{PROVISIONING_AT}/alerting/outrigger.yml"
_DATASOURCES, _PROVIDERS = "outrigger-grafana-datasources", "outrigger-grafana-providers"
_BOARDS, _RUNBOOKS = "outrigger-grafana-boards", "outrigger-runbooks"
_LABELS = {"app.kubernetes.io/name": "grafana", "app.kubernetes.io/part-of": "outrigger"}
_PORT = 3000


def datasources_file(links: Links) -> str:
    """Write the data source that boards and Grafana's own alerts ask."""
    document = {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Outrigger",
                "uid": DATASOURCE,
                "type": "prometheus",
                "access": "proxy",
                "url": links.prometheus,
                "isDefault": True,
                "editable": False,
                "jsonData": {"httpMethod": "POST", "timeInterval": "15s"},
            }
        ],
    }
    return HEADING + dumped(document)


def providers_file() -> str:
    """Write where the boards are, and the folder that they come into."""
    provider = {
        "name": "outrigger",
        "folder": FOLDER,
        "folderUid": "outrigger",
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 30,
        "options": {"path": BOARDS_AT, "foldersFromFilesStructure": False},
    }
    return HEADING + dumped({"apiVersion": 1, "providers": [provider]})


def kustomization_file(boards: Iterable[str]) -> str:
    """Write the kustomization: a ConfigMap of the boards and of each part of the provisioning."""
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["kubernetes/grafana.yml", "kubernetes/prometheus-rules.yml"],
        "configMapGenerator": [
            _config_map(_DATASOURCES, ["provisioning/datasources/outrigger.yml"]),
            _config_map(_PROVIDERS, ["provisioning/dashboards/outrigger.yml"]),
            _config_map(_BOARDS, [f"grafana/{uid}.json" for uid in boards]),
        ],
        "generatorOptions": {"labels": {"app.kubernetes.io/part-of": "outrigger"}},
    }
    return HEADING + dumped(document)


def runbooks_kustomization_file(pages: Iterable[str]) -> str:
    """Write the kustomization beside the runbooks, which Grafana serves."""
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "configMapGenerator": [_config_map(_RUNBOOKS, sorted(pages))],
    }
    return HEADING + dumped(document)


def _config_map(name: str, files: list[str]) -> dict[str, Any]:
    return {"name": name, "files": files, "options": {"disableNameSuffixHash": True}}


def grafana_manifest() -> str:
    """Write Grafana's Deployment and Service."""
    mounts = (
        (_DATASOURCES, f"{PROVISIONING_AT}/datasources", False),
        (_PROVIDERS, f"{PROVISIONING_AT}/dashboards", False),
        (_BOARDS, BOARDS_AT, False),
        (_RUNBOOKS, RUNBOOKS_AT, True),
    )
    container = {
        "name": "grafana",
        "image": IMAGE,
        "ports": [{"name": "http", "containerPort": _PORT}],
        "readinessProbe": {"httpGet": {"path": "/api/health", "port": "http"}},
        "resources": {
            "requests": {"cpu": "50m", "memory": "128Mi"},
            "limits": {"memory": "512Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": name, "mountPath": path, "readOnly": True} for name, path, _ in mounts
        ],
    }
    pod = {
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 472, "fsGroup": 472},
        "containers": [container],
        "volumes": [
            {"name": name, "configMap": {"name": name} | ({"optional": True} if spare else {})}
            for name, _, spare in mounts
        ],
    }
    template = {"metadata": {"labels": _LABELS}, "spec": pod}
    deployment = _manifest("apps/v1", "Deployment", "outrigger-grafana") | {
        "spec": {"replicas": 1, "selector": {"matchLabels": _LABELS}, "template": template}
    }
    service = _manifest("v1", "Service", "outrigger-grafana") | {
        "spec": {
            "selector": _LABELS,
            "ports": [{"name": "http", "port": _PORT, "targetPort": "http"}],
        }
    }
    return f"{HEADING}{dumped(deployment)}---\n{dumped(service)}"


def rules_manifest(groups: list[dict[str, Any]]) -> str:
    """Write the rules for those who run Prometheus by its operator."""
    manifest = _manifest("monitoring.coreos.com/v1", "PrometheusRule", "outrigger")
    return HEADING + dumped(manifest | {"spec": {"groups": groups}})


def _manifest(version: str, kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": _LABELS}}
