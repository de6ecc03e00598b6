import pytest

from outrigger_server.configuration.passwords import (
    fault_of_postgres,
    fault_of_redis,
    is_tried_first,
)

GOOD = "Wd93-kTz0qLx"


@pytest.mark.parametrize(
    "password",
    [
        *("postgres", "PASSWORD", "changeme", "change-me", "change_me_123", "admin1!", "secret"),
        *("changemechangemechangemechangeme", "aaaaaaaaaaaa", "123456", "20240101", "ann"),
    ],
)
def test_what_anybody_tries_first_is_known(password: str) -> None:
    assert is_tried_first(password, user="ann")


@pytest.mark.parametrize(
    "password",
    [GOOD, "correct horse battery staple", "739201846573829104", "пароль-7-слоны", "maria7"],
)
def test_other_passwords_are_not_judged(password: str) -> None:
    assert not is_tried_first(password, user="ann")


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("postgresql://app@db/app", "has no password"),
        ("postgresql://app:@db/app", "has no password"),
        ("postgresql://app:app@db/app", "has a default password"),
        ("postgresql://app:postgres@db:5432,db2:5432/app", "has a default password"),
        ("postgresql://app:change%2Dme@db/app", "has a default password"),
        ("postgresql://db/app?user=app&password=app", "has a default password"),
        (f"postgresql://app:{GOOD}@db/app", None),
        (f"postgresql://db/app?user=app&password={GOOD}", None),
        ("postgresql://app@db/app?sslcert=/run/secrets/client.pem", None),
        ("postgresql://app@db/app?passfile=/run/secrets/pgpass", None),
        ("postgresql:///app?host=/run/postgresql", None),
        ("postgresql://app@%2Frun%2Fpostgresql/app", None),
        ("postgresql://app@[::1/app", None),
    ],
)
def test_the_password_of_a_postgres_address_is_judged(uri: str, fault: str | None) -> None:
    assert fault_of_postgres(uri, {}) == fault


@pytest.mark.parametrize(
    ("environ", "fault"),
    [
        ({"PGPASSWORD": GOOD}, None),
        ({"PGPASSWORD": "postgres"}, "has a default password"),
        ({"PGPASSFILE": "/run/secrets/pgpass"}, None),
    ],
)
def test_what_libpq_takes_from_the_environment_counts(
    environ: dict[str, str], fault: str | None
) -> None:
    assert fault_of_postgres("postgresql://app@db/app", environ) == fault


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("redis://cache:6379/0", "has no password"),
        ("rediss://:redis@cache", "has a default password"),
        ("redis://default:default@cache", "has a default password"),
        ("redis://cache?password=redis", "has a default password"),
        (f"redis://:{GOOD}@cache:6379/0", None),
        ("unix:///run/redis.sock", None),
    ],
)
def test_the_password_of_a_redis_address_is_judged(uri: str, fault: str | None) -> None:
    assert fault_of_redis(uri) == fault
