"""What is mounted where in Grafana is there, small enough, and speaks of the same things."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.boards import GENERATED, RUNBOOKS, rules
from outrigger_dashboards.provisioning import RUNBOOKS_AT

LARGEST_CONFIG_MAP = 1 << 20


def read(name: str) -> Any:
    return yaml.safe_load((GENERATED / name).read_text())


@pytest.fixture
def container() -> dict[str, Any]:
    """Grafana's container in Kubernetes, with its volumes."""
    deployment, _ = yaml.safe_load_all((GENERATED / "kubernetes" / "grafana.yml").read_text())
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod["containers"][0] | {"volumes": pod["volumes"]}


def test_a_runbook_is_where_the_alerts_say() -> None:
    """Grafana serves its folder `public`; below it the runbooks are mounted."""
    pages = {rule["annotations"]["runbook_url"] for rule in rules() if "alert" in rule}
    served = RUNBOOKS_AT.removeprefix("/usr/share/grafana")
    for url in pages:
        path = re.sub(r"^http://[^/]+", "", url)
        assert path.startswith(f"{served}/")
        assert (RUNBOOKS / Path(path).name).exists()


def test_the_data_source_is_the_one_that_grafanas_alerts_ask() -> None:
    (source,) = read("provisioning/datasources/outrigger.yml")["datasources"]
    asked = {
        data["datasourceUid"]
        for group in read("grafana-alerts/outrigger.yml")["groups"]
        for rule in group["rules"]
        for data in rule["data"]
    }
    assert asked == {source["uid"], "__expr__"}
    assert source["isDefault"]


def test_kustomize_makes_every_config_map_that_grafana_mounts(container: dict[str, Any]) -> None:
    made: dict[str, list[Path]] = {}
    for folder, name in ((GENERATED, "kustomization.yaml"), (RUNBOOKS, "kustomization.yaml")):
        for each in yaml.safe_load((folder / name).read_text())["configMapGenerator"]:
            made[each["name"]] = [folder / file for file in each["files"]]
    mounted = {each["configMap"]["name"] for each in container["volumes"]}
    assert mounted == made.keys()
    assert {each["name"] for each in container["volumeMounts"]} == {
        each["name"] for each in container["volumes"]
    }
    for files in made.values():
        assert sum(file.stat().st_size for file in files) < LARGEST_CONFIG_MAP
    for name in read("kustomization.yaml")["resources"]:
        assert (GENERATED / name).exists()


def test_the_operators_rules_are_the_rules() -> None:
    groups = read("kubernetes/prometheus-rules.yml")["spec"]["groups"]
    theirs = [rule for group in groups for rule in group["rules"]]
    ours = rules()
    assert len(theirs) == len(ours)
    assert all(rule in theirs for rule in ours)
