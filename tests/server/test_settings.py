"""Settings: what they accept, how they say no, and the table that is made from them."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr, ValidationError

from outrigger_server.errors import ConfigurationError
from outrigger_server.settings import (
    Settings,
    SettingsGroup,
    load_settings,
    read_settings,
    setting_names,
    settings_table,
)
from outrigger_server.settings.faults import faults_of as faults_in
from outrigger_telemetry.setting_names import ENVIRONMENT_NAMES, PREFIX

GENERATE = Path(__file__).resolve().parents[2] / "docs" / "generate.py"


def faults_of(environ: dict[str, str], **overrides: object) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, **overrides)
    return list(caught.value.faults)


def test_an_empty_environment_gives_the_defaults():
    settings = load_settings({})
    assert settings == Settings()
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8123)
    assert settings.server.max_body_bytes == 20 * 1024 * 1024
    assert settings.server.cors_origins == ("*",)
    assert settings.storage.data_dir == Path(".outrigger")
    assert settings.worker.cancel_grace_seconds == 2.0
    assert settings.logs.log_format == "auto"
    assert settings.sidecar.sidecar_port == 9464


def test_values_are_read_from_the_given_mapping():
    settings = load_settings(
        {
            "OUTRIGGER_PORT": "0",
            "OUTRIGGER_NO_WORKER": "true",
            "OUTRIGGER_LEASE_SECONDS": "7.5",
            "OUTRIGGER_LOG_LEVEL": "WARNING",
            "OUTRIGGER_CORS_ORIGINS": "https://a.example, http://localhost:3000",
            "PATH": "/bin",
        }
    )
    assert settings.server.port == 0
    assert settings.server.no_worker is True
    assert settings.worker.lease_seconds == 7.5
    assert settings.logs.log_level == "warning"
    assert settings.server.cors_origins == ("https://a.example", "http://localhost:3000")


def test_no_web_page_may_call_when_that_is_said():
    assert load_settings({"OUTRIGGER_CORS_ORIGINS": "none"}).server.cors_origins == ()


def test_the_environment_is_one_of_three_words():
    assert load_settings({}).deployment.environment == "development"
    production = load_settings({"OUTRIGGER_ENVIRONMENT": "production"})
    assert production.deployment.environment == "production"


def test_what_is_right_is_read_beside_what_is_wrong():
    read = read_settings(
        {"OUTRIGGER_WORKER_SLOTS": "many", "OUTRIGGER_LEASE_SECONDS": "7"}, port="x", host="h"
    )
    assert (read.wrong, len(read.faults)) == ({"worker_slots", "node_threads", "port"}, 2)
    assert (read.settings.worker.worker_slots, read.settings.worker.lease_seconds) == (10, 7)
    assert read.settings.server.host == "h"
    assert read.sources["lease_seconds"] == "OUTRIGGER_LEASE_SECONDS"
    assert read.sources["host"] == "--host"


def test_a_flag_wins_over_the_environment_and_none_means_not_given():
    environ = {"OUTRIGGER_PORT": "1000", "OUTRIGGER_HOST": "0.0.0.0"}
    server = load_settings(environ, port=2000, host=None, no_worker=True).server
    assert (server.port, server.host, server.no_worker) == (2000, "0.0.0.0", True)


def test_a_flag_that_is_no_setting_is_a_mistake_of_the_program():
    with pytest.raises(TypeError, match="no such setting: prot"):
        load_settings({}, prot=1)


def test_metric_files_lie_in_the_data_directory_unless_said_otherwise():
    below = load_settings({"OUTRIGGER_DATA_DIR": "/srv/data"}).storage
    apart = load_settings({"OUTRIGGER_METRICS_DIR": "/dev/shm/m"}).storage
    assert below.metrics_dir == Path("/srv/data/metrics")
    assert apart.metrics_dir == Path("/dev/shm/m")


@pytest.mark.parametrize(("slots", "threads"), [("1", 16), ("8", 16), ("9", 18), ("1000", 2000)])
def test_node_threads_are_twice_the_slots_and_at_least_sixteen(slots: str, threads: int):
    assert load_settings({"OUTRIGGER_WORKER_SLOTS": slots}).worker.node_threads == threads


def test_node_threads_given_are_taken_as_they_are():
    environ = {"OUTRIGGER_WORKER_SLOTS": "50", "OUTRIGGER_NODE_THREADS": "3"}
    assert load_settings(environ).worker.node_threads == 3


def test_a_home_directory_is_filled_in():
    assert load_settings({"OUTRIGGER_DATA_DIR": "~/x"}).storage.data_dir == Path.home() / "x"


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        load_settings({}).worker.worker_slots = 3


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("PORT", "99999", "is '99999': give a whole number from 0 to 65535"),
        ("PORT", "http", "is 'http': give a whole number from 0 to 65535"),
        ("PORT", "", "is empty: give a whole number from 0 to 65535, or unset it"),
        ("DATA_DIR", " ", "is empty: give a path, or unset it"),
        ("NO_WORKER", "perhaps", "is 'perhaps': give true or false"),
        (
            "ENVIRONMENT",
            "prod",
            "is 'prod': give one of development, staging, production",
        ),
        ("LOG_FORMAT", "xml", "is 'xml': give one of json, console, auto"),
        ("WORKER_SLOTS", "0", "is '0': give a whole number from 1 to 1000"),
        ("WORKER_SLOTS", "1.5", "is '1.5': give a whole number from 1 to 1000"),
        ("LEASE_SECONDS", "nan", "is 'nan': give a number from 1 to 3600"),
        ("CANCEL_GRACE_SECONDS", "inf", "is 'inf': give a number from 0 to 300"),
        ("CANCEL_GRACE_SECONDS", "2s", "is '2s': give a number from 0 to 300"),
        (
            "HOST",
            "http://x",
            (
                "is 'http://x': give an address or a host name without scheme, path or spaces, "
                "such as 127.0.0.1"
            ),
        ),
        (
            "CORS_ORIGINS",
            "https://a.example/,*",
            (
                "is 'https://a.example/,*': an origin is a scheme and a host without a path, "
                "such as https://app.example.org"
            ),
        ),
        ("CORS_ORIGINS", ",", "is ',': give a value such as *"),
        (
            "METRICS_DIR",
            "~nobody-of-this-name/x",
            (
                "is '~nobody-of-this-name/x': the home directory of that user is not known; "
                "write the path out"
            ),
        ),
    ],
)
def test_a_wrong_value_is_one_line_that_names_variable_value_and_way_out(
    name: str, value: str, fault: str
):
    assert faults_of({f"OUTRIGGER_{name}": value}) == [f"OUTRIGGER_{name} {fault}"]


def test_a_wrong_flag_is_named_as_a_flag():
    fault = "--max-attempts is 'ten': give a whole number from 1 to 100"
    assert faults_of({"OUTRIGGER_MAX_ATTEMPTS": "4"}, max_attempts="ten") == [fault]


def test_all_faults_are_told_at_once():
    faults = faults_of(
        {
            "OUTRIGGER_PORT": "x",
            "OUTRIGGER_WORKER_SLOTS": "many",
            "OUTRIGGER_STREAM_TTL_SECONDS": "-1",
            "OUTRIGGER_WROKER_SLOTS": "3",
            "REDIS_URI": "redis://:hunter2@cache",
        }
    )
    assert faults == [
        "OUTRIGGER_PORT is 'x': give a whole number from 0 to 65535",
        "OUTRIGGER_WORKER_SLOTS is 'many': give a whole number from 1 to 1000",
        "OUTRIGGER_STREAM_TTL_SECONDS is '-1': give a number from 0 to 86400",
        "OUTRIGGER_WROKER_SLOTS: no such setting; did you mean OUTRIGGER_WORKER_SLOTS?",
        "REDIS_URI is set without POSTGRES_URI: give both, or unset it",
    ]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("POSTGRES_URI", "postgresql://user:password@host:5432/database"),
        ("DATABASE_URI", "postgresql://user:password@host:5432/database"),
        ("REDIS_URI", "redis://host:6379/0"),
    ],
)
def test_an_address_of_another_kind_is_refused_without_showing_it(name: str, advice: str):
    fault = f"{name} is wrong (a secret, not shown): give a URI such as {advice}"
    assert faults_of({name: "mysql://u:hunter2@h/d"}) == [fault]


def test_the_name_that_a_platform_gives_its_database_is_understood():
    for name in ("POSTGRES_URI", "DATABASE_URI"):
        uri = load_settings({name: "postgres://u:p@h/d"}).scale.postgres_uri
        assert uri is not None
        assert uri.get_secret_value() == "postgres://u:p@h/d"


def test_an_empty_database_address_asks_for_nothing():
    assert load_settings({"POSTGRES_URI": "", "REDIS_URI": ""}) == Settings()


def test_credentials_in_a_wrong_value_are_not_shown():
    (fault,) = faults_of({"OUTRIGGER_HOST": "https://user:hunter2@h"})
    assert fault.startswith("OUTRIGGER_HOST is 'https://***@h': ")


def test_a_long_wrong_value_is_cut():
    (fault,) = faults_of({"OUTRIGGER_PORT": "9" * 500})
    assert len(fault) < 200


def test_a_wrong_secret_is_not_shown():
    class WithSecret(SettingsGroup):
        token: SecretStr | None = None

    with pytest.raises(ValidationError) as caught:
        WithSecret.model_validate({"token": 12345})
    (fault,) = faults_in(WithSecret, caught.value, {"token": "OUTRIGGER_TOKEN"})
    assert fault.startswith("OUTRIGGER_TOKEN is wrong (a secret, not shown)")
    assert "12345" not in fault


def test_what_kubernetes_sets_for_a_service_named_outrigger_is_not_our_port():
    environ = {
        "OUTRIGGER_PORT": "tcp://10.0.0.1:8123",
        "OUTRIGGER_SERVICE_HOST": "10.0.0.1",
        "OUTRIGGER_SIDECAR_PORT": "tcp://10.0.0.2:9464",
    }
    assert load_settings(environ) == Settings()


def test_every_program_knows_every_setting_of_the_server():
    assert {name for name in setting_names() if name.startswith(PREFIX)} <= ENVIRONMENT_NAMES


def test_the_table_has_one_row_for_each_setting_with_default_and_meaning():
    rows = settings_table().splitlines()
    assert rows[:2] == ["| setting | default | meaning |", "| --- | --- | --- |"]
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows[2:]]
    named = {each for name, _, _ in cells for each in re.findall("`([A-Z_]+)`", name)}
    assert named == setting_names()
    assert all(default and meaning.endswith(".") for _, default, meaning in cells)
    assert "| `OUTRIGGER_PORT` | `8123` | Port; 0 picks a free one. |" in rows
    assert [d for n, d, _ in cells if n == "`OUTRIGGER_NODE_THREADS`"] == [
        "twice the slots, at least 16"
    ]


@pytest.fixture
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outrigger_docs_generate", GENERATE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        # A dataclass looks up its own module while it is made.
        patch.setitem(sys.modules, spec.name, module)
        patch.syspath_prepend(str(GENERATE.parent))
        spec.loader.exec_module(module)
    return module


def test_a_part_is_written_between_its_marks_and_the_rest_left_alone(
    generate: ModuleType, tmp_path: Path
):
    file = tmp_path / "A.md"
    file.write_text("# A\n<!-- x -->\nold\n<!-- /x -->\nend\n")
    part = generate.Part("A.md", "x", lambda: "new")
    assert generate.generate(tmp_path, [part], check=False) == []
    assert file.read_text() == "# A\n<!-- x -->\nnew\n<!-- /x -->\nend\n"
    assert generate.generate(tmp_path, [part], check=True) == []


def test_a_check_tells_drift_and_writes_nothing(generate: ModuleType, tmp_path: Path):
    file = tmp_path / "A.md"
    file.write_text("<!-- x -->\nold\n<!-- /x -->\n")
    faults = generate.generate(tmp_path, [generate.Part("A.md", "x", lambda: "new")], check=True)
    assert faults == ["A.md: part 'x' is out of date; run: make docs"]
    assert "old" in file.read_text()


@pytest.mark.parametrize(
    "text", ["", "<!-- x -->", "<!-- /x -->\n<!-- x -->", "<!-- x --><!-- x --><!-- /x -->"]
)
def test_missing_or_muddled_marks_are_told(generate: ModuleType, tmp_path: Path, text: str):
    (tmp_path / "A.md").write_text(text)
    faults = generate.generate(tmp_path, [generate.Part("A.md", "x", str)], check=False)
    assert faults == ["A.md: needs <!-- x --> and after it <!-- /x -->, each once"]
    assert (tmp_path / "A.md").read_text() == text


def test_a_missing_document_is_told(generate: ModuleType, tmp_path: Path):
    faults = generate.generate(tmp_path, [generate.Part("A.md", "x", str)], check=False)
    assert faults == ["A.md: no such file; make it with the marks of 'x'"]
