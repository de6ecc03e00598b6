"""What the containers are told, they understand; and what one says of another is so."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import pytest

from harness.kubernetes import Cluster, Object, containers, mounts, port_of, ports, probes
from harness.processes import PROBES, ROOT
from outrigger_server.cli import HAND_BACK_SECONDS
from outrigger_server.configuration.reading import surveyed
from outrigger_server.errors import ConfigurationError
from outrigger_server.settings import Settings, load_settings
from outrigger_sidecar.relay.opening import LAST_SECONDS
from outrigger_sidecar.settings import Settings as SidecarSettings
from outrigger_sidecar.settings import load_settings as load_sidecar_settings
from outrigger_telemetry.setting_names import ENVIRONMENT_NAMES, FILE, SECRET_NAMES

SAMPLES = {
    "POSTGRES_URI": "postgresql://me:hunter22@database/outrigger",
    "REDIS_URI": "redis://:hunter22@database:6379/0",
}
LONG_SECRET = "a-secret-of-more-than-thirty-two-bytes"
PLATFORM = {"TMPDIR", "POSTGRES_URI", "REDIS_URI"}
OURS = {
    "outrigger-server": {"server": Settings, "sidecar": SidecarSettings},
    "outrigger-worker": {"worker": Settings, "sidecar": SidecarSettings},
    "outrigger-migrate": {"migrate": Settings},
}


def secret_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The secrets that an environment gives as files: the setting, and its file."""
    found = {name: environment.get(name + FILE) for name in SECRET_NAMES}
    return {name: path for name, path in found.items() if path is not None}


def with_samples(environment: dict[str, str]) -> dict[str, str]:
    """The environment as it is when the files of its secrets have been read."""
    files = secret_files(environment)
    kept = {k: v for k, v in environment.items() if k.removesuffix(FILE) not in files}
    return kept | {name: SAMPLES.get(name, LONG_SECRET) for name in files}


def told(cluster: Cluster) -> Iterator[tuple[str, str, Object, Object, dict[str, str]]]:
    """Every container of ours: its pod's name and its own, the pod, itself, its variables."""
    for name, pod in cluster.our_pods().items():
        for own, container in containers(pod).items():
            yield name, own, pod, container, cluster.environment(container)


def server_settings(cluster: Cluster, pod: str, container: str) -> Settings:
    given = cluster.environment(containers(cluster.pods()[pod])[container])
    return load_settings(with_samples(given))


def test_each_program_starts_with_what_it_is_told(cluster: Cluster) -> None:
    assert {name: set(containers(pod)) for name, pod in cluster.our_pods().items()} == {
        name: set(programs) for name, programs in OURS.items()
    }
    for name, own, _, _, environment in told(cluster):
        known = with_samples(environment)
        assert known.keys() <= ENVIRONMENT_NAMES | PLATFORM, (name, own)
        if OURS[name][own] is Settings:
            load_settings(known)
        else:
            assert not load_sidecar_settings(known, {}).is_remote


@pytest.mark.parametrize("name", ["OUTRIGGER_WORKER_SLOT", "OUTRIGGER_LOG_LEVEL_FILE"])
def test_a_setting_that_does_not_exist_would_be_found(cluster: Cluster, name: str) -> None:
    environment = cluster.environment(containers(cluster.pods()["outrigger-server"])["server"])
    known = with_samples(environment | {name: "1"})
    assert not known.keys() <= ENVIRONMENT_NAMES | PLATFORM
    with pytest.raises(ConfigurationError, match=name):
        load_settings(known)


def test_no_secret_stands_in_a_config_map(cluster: Cluster) -> None:
    for thing in cluster.of("ConfigMap").values():
        assert not re.search(r"://[^/\s]*@", str(thing["data"])), thing["metadata"]["name"]


def test_the_commands_are_ours_and_one_image_does_both(cluster: Cluster) -> None:
    commands = {
        (name, own): (container["command"][0], tuple(container.get("args", ())))
        for name, own, _, container, _ in told(cluster)
    }
    assert commands == {
        ("outrigger-server", "sidecar"): ("outrigger-sidecar", ()),
        ("outrigger-server", "server"): ("outrigger", ("serve", "--no-worker")),
        ("outrigger-worker", "sidecar"): ("outrigger-sidecar", ()),
        ("outrigger-worker", "worker"): ("outrigger", ("worker",)),
        ("outrigger-migrate", "migrate"): ("outrigger", ("migrate",)),
    }
    images = {own: container["image"] for _, own, _, container, _ in told(cluster)}
    assert images["server"] == images["worker"] == images["migrate"]
    assert images["sidecar"] == images["server"].replace("outrigger-server", "outrigger-sidecar")


def test_ports_are_those_that_the_programs_listen_on(cluster: Cluster) -> None:
    for name in ("outrigger-server", "outrigger-worker"):
        pod = cluster.pods()[name]
        inside = containers(pod)
        sidecar = load_sidecar_settings(with_samples(cluster.environment(inside["sidecar"])), {})
        assert ports(pod)["metrics"] == sidecar.port == SidecarSettings().port
        for container in inside.values():
            for probe in probes(container).values():
                assert port_of(pod, probe["httpGet"]["port"]) in ports(pod).values()
        if name == "outrigger-server":
            server = server_settings(cluster, name, "server").server
            assert ports(pod)["http"] == server.port == 8000
            assert sidecar.target == f"http://127.0.0.1:{server.port}"
        else:
            assert sidecar.target == ""
        assert sidecar.host == "0.0.0.0"


def test_server_and_sidecar_meet_in_memory_in_the_folder_of_the_metrics(cluster: Cluster) -> None:
    for name in ("outrigger-server", "outrigger-worker"):
        pod = cluster.pods()[name]
        shared = {
            own: mounts(pod, container)[cluster.environment(container)["OUTRIGGER_METRICS_DIR"]]
            for own, container in containers(pod).items()
        }
        first, second = shared.values()
        assert first == second
        assert first["emptyDir"]["medium"] == "Memory"


def test_what_is_written_to_can_be_written_to(cluster: Cluster) -> None:
    for name, own, pod, container, environment in told(cluster):
        writable = {path for path, each in mounts(pod, container).items() if "emptyDir" in each}
        wanted = ["TMPDIR"]
        if name != "outrigger-migrate":  # which keeps nothing
            wanted += ["OUTRIGGER_DATA_DIR", "OUTRIGGER_METRICS_DIR"]
        assert {environment[each] for each in wanted} <= writable, (name, own)


def test_every_file_of_a_secret_is_in_a_secret_that_is_mounted(cluster: Cluster) -> None:
    """The development's own secrets have the keys; for the others docs/deploy.md makes them."""
    document = (ROOT / "docs" / "deploy.md").read_text()
    made = {name: set(each["data"]) for name, each in cluster.of("Secret").items()}
    for secret in re.findall(r"create secret generic (\S+)(.*?)\n(?=kubectl|```)", document, re.S):
        made.setdefault(secret[0], set(re.findall(r"--from-file=([\w-]+)=", secret[1])))
    found = 0
    for name, own, pod, container, environment in told(cluster):
        for file in (v for k, v in environment.items() if k.endswith("_FILE")):
            volume = mounts(pod, container)[str(PurePath(file).parent)]
            assert PurePath(file).name in made[volume["secret"]["secretName"]], (name, own)
            found += 1
    assert found >= 2 * len(OURS)


@pytest.mark.parametrize("name", ["server", "worker"])
def test_who_stops_has_more_time_than_it_takes(cluster: Cluster, name: str) -> None:
    pod = cluster.pods()[f"outrigger-{name}"]
    hook: Any = containers(pod)[name].get("lifecycle", {}).get("preStop", {"sleep": {"seconds": 0}})
    grace = server_settings(cluster, f"outrigger-{name}", name).server.shutdown_grace_seconds
    needed = hook["sleep"]["seconds"] + grace + 2 * HAND_BACK_SECONDS + LAST_SECONDS
    assert needed < pod["spec"]["terminationGracePeriodSeconds"]


def test_a_server_leaves_the_load_balancer_before_it_stops(cluster: Cluster) -> None:
    """Its endpoint goes when it begins to stop, which all need a moment to hear."""
    server = containers(cluster.pods()["outrigger-server"])["server"]
    probe = server["readinessProbe"]
    assert server["lifecycle"]["preStop"]["sleep"]["seconds"] >= probe["periodSeconds"]


def test_a_slow_database_never_ends_a_server(cluster: Cluster) -> None:
    server = containers(cluster.pods()["outrigger-server"])["server"]
    assert server["livenessProbe"]["httpGet"]["path"] == "/info"
    assert server["readinessProbe"]["httpGet"]["path"] == "/ok"
    worker = containers(cluster.pods()["outrigger-worker"])["worker"]
    assert probes(worker).keys() == {"readiness"}


def test_production_lets_nobody_in_without_a_key(production: Cluster) -> None:
    settings = server_settings(production, "outrigger-server", "server")
    assert settings.auth.auth == "api_key"
    assert settings.auth.api_keys_file is not None
    assert "*" not in settings.server.cors_origins
    assert settings.deployment.environment == "production"
    for name in ("outrigger-server", "outrigger-worker"):
        sidecar = containers(production.pods()[name])["sidecar"]
        files = secret_files(production.environment(sidecar))
        assert {"OUTRIGGER_SIDECAR_TOKEN", "OUTRIGGER_RELAY_KEY"} <= files.keys()


@pytest.mark.parametrize("name", ["server", "worker"])
def test_production_is_good_for_production(production: Cluster, name: str) -> None:
    container = containers(production.pods()[f"outrigger-{name}"])[name]
    environment = with_samples(production.environment(container))
    survey = surveyed(environment | {"OUTRIGGER_CONFIG": str(PROBES)}, serves=name == "server")
    assert survey.read.settings.deployment.environment == "production"
    assert survey.faults == ()
