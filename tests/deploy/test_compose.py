"""docker-compose.yml says what it should, and names only what is there."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.processes import ROOT
from harness.topology.compose import COMPOSE, TLS_COMPOSE, compose_file, instructions
from harness.topology.shipped import DEPLOY, secret_files
from outrigger_dashboards.boards.catalogue import BOARDS
from outrigger_dashboards.provisioning import BOARDS_AT, IMAGE, PROVISIONING_AT, RUNBOOKS_AT
from outrigger_server.settings import ServerSettings, setting_names
from outrigger_sidecar import settings as sidecar_settings

SERVICES = compose_file().services
OURS = {name for name, content in SERVICES.items() if "build" in content}
ONCE = {"migrate", "loadtest"}
"""Services that end by themselves."""
FOREIGN = re.compile("LANGSMITH_(?:TRACING|ENDPOINT|API_KEY)|(?:ANTHROPIC|OPENAI|TAVILY)_API_KEY")


def test_the_files_are_of_the_compose_specification() -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("check-jsonschema")),
            "--builtin-schema",
            "vendor.compose-spec",
            str(COMPOSE),
            str(TLS_COMPOSE),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_only_nginx_and_grafana_can_be_reached_from_outside() -> None:
    published = {name for name, content in SERVICES.items() if content.get("ports")}
    assert published == {"nginx", "grafana"}
    assert SERVICES["grafana"]["ports"] == ["127.0.0.1:3000:3000"]
    assert not any(content.get("network_mode") for content in SERVICES.values())


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_limits_a_restart_policy_and_a_bounded_log(name: str) -> None:
    content = SERVICES[name]
    assert content["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert content["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    wanted = {"migrate": "on-failure:5", "loadtest": "no"}.get(name, "unless-stopped")
    assert content["restart"] == wanted
    assert "no-new-privileges:true" in content["security_opt"]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE))
def test_a_service_has_a_health_check(name: str) -> None:
    content = SERVICES[name]
    if name in OURS:
        words = [word for word, _ in instructions(content["build"]["dockerfile"])]
        assert "HEALTHCHECK" in words
    else:
        assert content["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("name", sorted(OURS | {"nginx", "redis", "prometheus"}))
def test_a_service_writes_nothing_into_its_image(name: str) -> None:
    assert SERVICES[name]["read_only"] is True
    assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_who_needs_something_waits_until_it_is_well() -> None:
    waited = {
        (name, other, how["condition"])
        for name, content in SERVICES.items()
        for other, how in content.get("depends_on", {}).items()
    }
    for name in ("server", "worker"):
        assert (name, "migrate", "service_completed_successfully") in waited
        assert (name, "redis", "service_healthy") in waited
    assert ("migrate", "postgres", "service_healthy") in waited
    assert ("nginx", "server", "service_healthy") in waited
    assert {how for _, _, how in waited} == {"service_healthy", "service_completed_successfully"}


def settings_of(name: str) -> set[str]:
    """What the program of a service reads; a secret can be given as a file."""
    fields = sidecar_settings.Settings.model_fields
    own = {each for field in fields for each in sidecar_settings.environment_names(field)}
    known = own if name.endswith("-sidecar") else setting_names()
    return known | {f"{each}_FILE" for each in ("POSTGRES_URI", "REDIS_URI")}


@pytest.mark.parametrize("name", sorted(OURS - {"loadtest"}))
def test_every_setting_that_is_given_exists(name: str) -> None:
    given = compose_file().service(name).environment.keys() | SERVICES[name]["environment"].keys()
    python = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    unknown = {each for each in given - python if not FOREIGN.fullmatch(each)}
    assert unknown - settings_of(name) == set()


def test_a_server_and_its_sidecar_share_the_folder_of_metric_files() -> None:
    for role in ("server", "worker"):
        service, sidecar = (compose_file().service(each) for each in (role, f"{role}-sidecar"))
        folder = service.environment["OUTRIGGER_METRICS_DIR"]
        assert sidecar.environment["OUTRIGGER_METRICS_DIR"] == folder
        assert service.mounts[folder] == sidecar.mounts[folder] == f"{role}-metrics"


def mounted() -> Iterator[tuple[str, str]]:
    for content in [*SERVICES.values(), *compose_file(path=TLS_COMPOSE).services.values()]:
        for each in content.get("volumes", ()):
            here, there, *_ = each.split(":")
            yield here, there


def test_what_is_mounted_is_there() -> None:
    volumes = compose_file().content["volumes"].keys()
    for here, _ in mounted():
        assert (ROOT / here).exists() if here.startswith("./") else here in volumes, here
    assert volumes == {here for here, _ in mounted() if not here.startswith("./")}


def test_every_secret_is_one_that_is_made_and_not_kept_with_the_sources(tmp_path: Path) -> None:
    files = compose_file().content["secrets"]
    used = {each for content in SERVICES.values() for each in content.get("secrets", ())}
    assert used == files.keys()
    made = secret_files(tmp_path / "secrets")
    assert made.keys() == used
    assert all(each == {"file": f"./deploy/secrets/{name}"} for name, each in files.items())
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", "deploy/secrets/api_key"], cwd=ROOT, check=False
    )
    assert ignored.returncode == 0


def test_secrets_are_made_once(tmp_path: Path) -> None:
    first = {name: path.read_text() for name, path in secret_files(tmp_path / "s").items()}
    again = {name: path.read_text() for name, path in secret_files(tmp_path / "s").items()}
    assert again == first
    other = {name: path.read_text() for name, path in secret_files(tmp_path / "o").items()}
    assert all(other[name] != first[name] for name in first)
    assert first["postgres_password"] in first["postgres_uri"]


def test_grafana_finds_the_boards_where_it_looks_for_them() -> None:
    service = compose_file().service("grafana")
    places = {there: ROOT / here for there, here in service.mounts.items()}
    assert service.content["image"] == IMAGE
    assert len(list(places[BOARDS_AT].glob("*.json"))) == len(BOARDS)
    for kind in ("datasources", "dashboards"):
        assert list(places[f"{PROVISIONING_AT}/{kind}"].glob("*.yml"))
    assert places[RUNBOOKS_AT] == ROOT / "docs" / "runbooks"


def test_the_data_source_is_the_prometheus_that_is_there() -> None:
    path = ROOT / "dashboards/generated/provisioning/datasources/outrigger.yml"
    (source,) = yaml.safe_load(path.read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"


def test_redis_evicts_nothing_and_keeps_a_log() -> None:
    lines = (DEPLOY / "redis.conf").read_text().splitlines()
    assert {"appendonly yes", "maxmemory-policy noeviction"} <= set(lines)


def test_nginx_takes_bodies_as_large_as_the_server() -> None:
    found = re.search(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text())
    assert found
    default: Any = ServerSettings.model_fields["max_body_bytes"].default
    assert int(found[1]) * 1024 * 1024 == default
