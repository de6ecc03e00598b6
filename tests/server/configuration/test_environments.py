"""What production refuses, a rule each; what staging and development make of the same."""

from typing import Any

import pytest

GUESSED = "give one that nobody guesses"


def test_production_starts_with_a_safe_environment(project: Any, safe: dict[str, str]) -> None:
    survey = project.surveyed(safe)
    assert (survey.faults, survey.warnings) == ((), ())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            {"OUTRIGGER_AUTH": None},
            (
                "OUTRIGGER_AUTH is none: everybody may come in; give api_key or jwt, or auth.path "
                "in {manifest}"
            ),
        ),
        (
            {"OUTRIGGER_CORS_ORIGINS": None},
            "OUTRIGGER_CORS_ORIGINS is *: every web page may call; name the origins, or give none",
        ),
        (
            {"OUTRIGGER_CORS_ORIGINS": "https://app.example.org,*"},
            "OUTRIGGER_CORS_ORIGINS is *: every web page may call; name the origins, or give none",
        ),
        (
            {"POSTGRES_URI": "postgresql://app:postgres@db/app"},
            f"POSTGRES_URI has a default password: {GUESSED}",
        ),
        (
            {"POSTGRES_URI": None, "DATABASE_URI": "postgres://app@db/app"},
            f"DATABASE_URI has no password: {GUESSED}",
        ),
        ({"REDIS_URI": "redis://cache"}, f"REDIS_URI has no password: {GUESSED}"),
        (
            {"OUTRIGGER_JWT_SECRET": "changeme" * 4},
            f"OUTRIGGER_JWT_SECRET is a default: {GUESSED}",
        ),
        (
            {"OUTRIGGER_WEBHOOK_SECRET": "secret"},
            f"OUTRIGGER_WEBHOOK_SECRET is a default: {GUESSED}",
        ),
        (
            {"OUTRIGGER_RUN_TIMEOUT_SECONDS": "29.5"},
            "OUTRIGGER_RUN_TIMEOUT_SECONDS is 29.5: give 30 or more",
        ),
    ],
)
def test_production_refuses(project: Any, change: dict[str, str | None], fault: str) -> None:
    assert project.refused(**change) == [fault.format(manifest=project.manifest)]


@pytest.mark.parametrize(
    "change",
    [
        {"OUTRIGGER_CORS_ORIGINS": "none"},
        {"OUTRIGGER_RUN_TIMEOUT_SECONDS": "30"},
        {"POSTGRES_URI": None, "REDIS_URI": None},
    ],
)
def test_production_starts(project: Any, change: dict[str, str | None]) -> None:
    assert project.refused(**change) == []


def test_a_path_to_rules_in_the_manifest_is_authentication(project: Any) -> None:
    project.write(auth={"path": "./agent.py:auth"})
    assert project.refused(OUTRIGGER_AUTH="none") == []


@pytest.mark.parametrize(
    ("cors", "says"),
    [
        ({"allow_origins": ["*"]}, ["http.cors.allow_origins has *; name the origins"]),
        ({"allow_origin_regex": ".*"}, ["http.cors.allow_origin_regex fits every web page"]),
        ({"allow_origin_regex": r"https://[a-z]+\.example\.org"}, []),
        ({"allow_origins": []}, []),
        ({"allow_origins": ["https://app.example.org"]}, []),
    ],
)
def test_the_origins_of_the_manifest_are_those_that_count(
    project: Any, cors: dict[str, object], says: list[str]
) -> None:
    project.write(http={"cors": cors})
    refused = project.refused(OUTRIGGER_CORS_ORIGINS="*")
    assert [
        line.startswith(f"{project.manifest}: {each}")
        for line, each in zip(refused, says, strict=True)
    ] == [True] * len(says)


def test_production_refuses_to_ignore_that_data_are_to_be_encrypted(project: Any) -> None:
    project.write(encryption={"path": "./agent.py:encryption"})
    (line,) = project.refused()
    assert line.startswith(f"{project.manifest}: encryption: this version stores data as it is")


def test_a_worker_is_not_asked_who_may_come_in(project: Any) -> None:
    assert project.refused(
        serves=False, OUTRIGGER_AUTH=None, OUTRIGGER_CORS_ORIGINS=None, REDIS_URI="redis://cache"
    ) == [f"REDIS_URI has no password: {GUESSED}"]


def test_what_is_wrong_already_is_not_judged_as_well(project: Any, altered: Any) -> None:
    project.write(auth={"path": 3}, http={"cors": {"allow_origins": "*"}})
    survey = project.surveyed(
        altered(OUTRIGGER_AUTH=None, OUTRIGGER_JWT_SECRET="short", OUTRIGGER_CORS_ORIGINS=None)
    )
    assert [fault.split(" is ")[0].split(": must")[0] for fault in survey.faults] == [
        "OUTRIGGER_JWT_SECRET",
        f"{project.manifest}: http.cors.allow_origins",
        f"{project.manifest}: auth.path",
    ]


def test_staging_starts_and_warns_of_what_production_refuses(project: Any, altered: Any) -> None:
    survey = project.surveyed(altered(OUTRIGGER_ENVIRONMENT="staging", OUTRIGGER_AUTH=None))
    assert survey.faults == ()
    (warning,) = survey.warnings
    assert warning.startswith("production refuses this: OUTRIGGER_AUTH is none")


def test_development_says_nothing_of_all_this(project: Any) -> None:
    survey = project.surveyed({"POSTGRES_URI": "postgresql://postgres:postgres@db/app"})
    assert (survey.faults, survey.warnings) == ((), ())


def test_an_environment_that_does_not_exist_is_a_fault(project: Any) -> None:
    assert project.surveyed({"OUTRIGGER_ENVIRONMENT": "prod"}).faults == (
        "OUTRIGGER_ENVIRONMENT is 'prod': give one of development, staging, production",
    )


@pytest.mark.parametrize("environment", ["staging", "production"])
@pytest.mark.parametrize(
    ("change", "begins"),
    [
        ({"POSTGRES_URI": None, "REDIS_URI": None}, "POSTGRES_URI is not set"),
        ({"OUTRIGGER_LOG_LEVEL": "debug"}, "OUTRIGGER_LOG_LEVEL is debug"),
        ({"OUTRIGGER_WEBHOOK_SECRET": None}, "OUTRIGGER_WEBHOOK_SECRET is not set"),
        ({"OUTRIGGER_LG_API_METRICS": "true"}, "OUTRIGGER_LG_API_METRICS is true"),
        ({"OUTRIGGER_JWT_AUDIENCE": None}, "OUTRIGGER_JWT_AUDIENCE and OUTRIGGER_JWT_ISSUER"),
    ],
)
def test_what_is_doubtful_is_warned_of(
    project: Any, altered: Any, environment: str, change: dict[str, str | None], begins: str
) -> None:
    survey = project.surveyed(altered(OUTRIGGER_ENVIRONMENT=environment, **change))
    assert survey.faults == ()
    assert [warning[: len(begins)] for warning in survey.warnings] == [begins]


def test_open_routes_beside_the_api_are_warned_of(project: Any, safe: dict[str, str]) -> None:
    project.write(http={"app": "./agent.py:app", "enable_custom_route_auth": False})
    (warning,) = project.surveyed(safe).warnings
    assert "http.enable_custom_route_auth is false" in warning


def test_without_webhooks_nobody_asks_for_their_secret(project: Any, altered: Any) -> None:
    project.write(http={"disable_webhooks": True})
    assert project.surveyed(altered(OUTRIGGER_WEBHOOK_SECRET=None)).warnings == ()
