"""What Prometheus and Alertmanager are given is what they take, and speaks of what is there."""

from pathlib import Path

import yaml

from harness.promtool import amtool, promtool
from harness.topology.compose import compose_file
from harness.topology.shipped import DEPLOY, RULES


def test_promtool_takes_the_file_with_all_rules(tmp_path: Path) -> None:
    """The rules lie beside it in the container."""
    (tmp_path / "prometheus.yml").symlink_to(DEPLOY / "prometheus.yml")
    (tmp_path / "rules").symlink_to(RULES)
    done = promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(list(RULES.glob('*.yml')))} rule files found" in done.stdout


def test_amtool_takes_the_routes() -> None:
    mounts = compose_file().service("alertmanager").mounts
    path = DEPLOY.parent / mounts["/etc/alertmanager/alertmanager.yml"]
    done = amtool("check-config", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_target_is_a_service_at_its_port() -> None:
    ports = {"server-sidecar": 9464, "worker-sidecar": 9464, "localhost": 9090}
    document = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    targets = [
        target
        for job in document["scrape_configs"]
        for each in job.get("static_configs", ())
        for target in each["targets"]
    ]
    assert set(targets) == {f"{name}:{port}" for name, port in ports.items()}
    services = compose_file().services
    assert ports.keys() - {"localhost"} <= services.keys()
    for service in ("server-sidecar", "worker-sidecar", "alertmanager", "loadtest"):
        assert "watch" in services[service]["networks"]
    (alerting,) = document["alerting"]["alertmanagers"]
    assert alerting["static_configs"] == [{"targets": ["alertmanager:9093"]}]
