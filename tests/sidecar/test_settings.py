from pathlib import Path

import pytest

from outrigger_sidecar.errors import ConfigurationError
from outrigger_sidecar.settings import Settings, environment_names, load_settings
from outrigger_telemetry.setting_names import ENVIRONMENT_NAMES


def faults(environ: dict[str, str], **overrides: object) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, overrides)
    return caught.value.faults


def test_defaults_are_those_of_the_embedded_server() -> None:
    settings = load_settings({}, {})

    assert (settings.host, settings.port) == ("127.0.0.1", 9464)
    assert settings.target == "http://127.0.0.1:8123"
    assert settings.metrics_dir == Path(".outrigger/metrics")
    assert settings.database_path == Path(".outrigger/outrigger.db")
    assert settings.token is None


def test_every_setting_has_a_known_name_and_a_description() -> None:
    every = {name for field in Settings.model_fields for name in environment_names(field)}
    names = {name for name in every if name.startswith("OUTRIGGER_")}

    assert names <= ENVIRONMENT_NAMES
    assert {name for name in ENVIRONMENT_NAMES if "SIDECAR_" in name} <= names | {
        "OUTRIGGER_NO_SIDECAR"
    }
    assert all(field.description for field in Settings.model_fields.values())


def test_environment_is_read_and_flags_win() -> None:
    environ = {"OUTRIGGER_SIDECAR_PORT": "1", "OUTRIGGER_DATA_DIR": "/data"}

    settings = load_settings(environ, {"port": 2, "host": None})

    assert settings.port == 2
    assert settings.metrics_dir == Path("/data/metrics")


def test_all_faults_are_told_at_once() -> None:
    environ = {"OUTRIGGER_SIDECAR_PORT": "x", "OUTRIGGER_LOG_LEVEL": "loud", "OUTRIGGER_QQQ": ""}

    found = faults(environ, target="127.0.0.1:8123")

    assert len(found) == 4
    assert {fault.split()[0].rstrip(":") for fault in found} == {
        "--target",
        *environ,
    }


def test_a_fault_shows_no_secret() -> None:
    environ = {
        "OUTRIGGER_SIDECAR_TOKEN": "hush",
        "OUTRIGGER_SIDECAR_TARGET": "http://me:hunter22@server",
    }

    text = "\n".join(faults(environ))

    assert "hush" not in text
    assert "hunter22" not in text


def test_an_empty_path_is_a_fault() -> None:
    assert "OUTRIGGER_DATA_DIR is empty" in faults({"OUTRIGGER_DATA_DIR": ""})[0]


def test_what_kubernetes_puts_into_our_port_is_not_ours() -> None:
    assert load_settings({"OUTRIGGER_SIDECAR_PORT": "tcp://10.0.0.1:9464"}, {}).port == 9464


def test_settings_of_the_server_are_no_fault() -> None:
    load_settings({"OUTRIGGER_WORKER_SLOTS": "10", "OUTRIGGER_PORT": "8123"}, {})


def test_databases_are_called_as_every_platform_calls_them() -> None:
    settings = load_settings({"DATABASE_URI": "postgres://a/b", "REDIS_URI": "redis://a"}, {})

    assert settings.postgres_uri is not None
    assert settings.redis_uri is not None
    assert "postgres://a/b" not in repr(settings)


@pytest.mark.parametrize("name", ["POSTGRES_URI", "DATABASE_URI", "REDIS_URI"])
def test_a_wrong_database_is_named_and_not_shown(name: str) -> None:
    given = {name: "http://me:hunter22@server"}
    if name == "REDIS_URI":
        given["POSTGRES_URI"] = "postgres://a/b"

    found = faults(given)

    assert len(found) == 1
    assert found[0].startswith(f"{name} is wrong (a secret, not shown): give a URI such as")


def test_redis_without_postgresql_is_a_fault() -> None:
    assert "without POSTGRES_URI" in faults({"REDIS_URI": "redis://a"})[0]


def test_an_empty_target_says_that_there_is_no_server() -> None:
    assert load_settings({"OUTRIGGER_SIDECAR_TARGET": ""}, {}).target == ""
