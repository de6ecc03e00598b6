"""Effective values, where each comes from, and no secret among them."""

from pathlib import Path
from typing import Any

from outrigger_server.configuration.reading import surveyed
from outrigger_server.configuration.shown import ShownValue, shown_values, table
from outrigger_server.settings import environment_names, groups


def shown(
    project: Any, environ: dict[str, str], files: dict[str, str] | None = None, **flags: object
) -> dict[str, ShownValue]:
    survey = surveyed(environ, serves=True, config=project.manifest, **flags)
    values = shown_values(survey, environ, files or {})
    assert len({each.name for each in values}) == len(values)
    return {each.name: each for each in values}


def test_every_setting_is_shown_with_its_default(project: Any) -> None:
    values = shown(project, {})
    names = [environment_names(name)[0] for _, group in groups() for name in group.model_fields]
    assert list(values) == names
    assert values["OUTRIGGER_PORT"] == ShownValue("OUTRIGGER_PORT", "8123", "default")
    assert values["OUTRIGGER_JWT_SECRET"].value is None
    assert values["OUTRIGGER_CORS_ORIGINS"].value == "*"
    assert values["OUTRIGGER_NO_WORKER"].value == "false"
    assert values["OUTRIGGER_NODE_THREADS"].value == "20"


def test_the_source_is_the_environment_a_file_or_a_flag(project: Any) -> None:
    environ = {"OUTRIGGER_LOG_LEVEL": "INFO", "OUTRIGGER_HOST": "0.0.0.0", "OUTRIGGER_PORT": "1"}
    values = shown(project, environ, {"OUTRIGGER_HOST": "production.env"}, port=2)
    assert (values["OUTRIGGER_LOG_LEVEL"].value, values["OUTRIGGER_LOG_LEVEL"].source) == (
        "info",
        "environment",
    )
    assert values["OUTRIGGER_HOST"].source == "production.env"
    assert (values["OUTRIGGER_PORT"].value, values["OUTRIGGER_PORT"].source) == ("2", "--port")
    assert values["OUTRIGGER_CONFIG"].source == "--config"


def test_no_secret_is_shown(project: Any, safe: dict[str, str]) -> None:
    environ = safe | {"OUTRIGGER_SIDECAR_TOKEN": "tok-7731", "OUTRIGGER_RELAY_KEY": "rel-7731"}
    project.write(env={"OPENAI_API_KEY": "sk-1234567890", "REGION": "eu"})
    values = shown(project, environ)
    text = "\n".join(table(list(values.values())))
    secrets = ("f3Vq8Zt1", "Qm4TzX81", "Wd93", "Bn27", "7731", "sk-1")
    assert [secret for secret in secrets if secret in text] == []
    assert values["POSTGRES_URI"].value == "postgresql://app:***@db/app"
    assert values["OUTRIGGER_JWT_SECRET"].value == "***"
    assert values["OUTRIGGER_SIDECAR_TOKEN"].value == "***"
    assert values["REGION"] == ShownValue("REGION", "eu", f"{project.manifest}: env")


def test_a_wrong_value_is_not_shown_but_told_to_be_wrong(project: Any) -> None:
    values = shown(project, {"OUTRIGGER_PORT": "hunter2"})
    assert values["OUTRIGGER_PORT"] == ShownValue("OUTRIGGER_PORT", None, "environment, wrong")


def test_what_the_manifest_says_in_place_of_a_setting_is_shown(project: Any) -> None:
    origins = ["https://app.example.org"]
    project.write(auth={"path": "./agent.py:auth"}, http={"cors": {"allow_origins": origins}})
    values = shown(project, {})
    assert (values["OUTRIGGER_AUTH"].value, values["OUTRIGGER_AUTH"].source) == (
        "./agent.py:auth",
        f"{project.manifest}: auth.path",
    )
    assert values["OUTRIGGER_CORS_ORIGINS"].value == "https://app.example.org"


def test_the_name_that_a_platform_gives_its_database_is_kept(project: Any) -> None:
    values = shown(project, {"DATABASE_URI": "postgresql://app:pw@db/app"})
    assert values["DATABASE_URI"].value == "postgresql://app:***@db/app"


def test_the_table_has_three_aligned_columns(tmp_path: Path) -> None:
    rows = [ShownValue("A", "1", "default"), ShownValue("LONG", None, "environment")]
    assert list(table(rows)) == ["A     1  default", "LONG  -  environment"]
