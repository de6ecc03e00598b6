import pytest

from outrigger_telemetry.redaction import (
    REDACTED,
    is_secret_key,
    may_hold_secret,
    redact,
)


@pytest.mark.parametrize(
    "key",
    [
        *("authorization", "Authorization", "api_key", "x-api-key", "password", "db_password"),
        *("token", "access_token", "client_secret", "cookie", "set-cookie", "dsn", "apiKey"),
        *("private_key", "credentials", "LANGSMITH_API_KEY"),
    ],
)
def test_secret_keys_are_known(key: str) -> None:
    assert is_secret_key(key)
    assert may_hold_secret(key.encode())
    assert redact({key: "hush"}) == {key: REDACTED}


@pytest.mark.parametrize("key", ["input_tokens", "tokens", "token_type", "key", "monkey", "author"])
def test_innocent_keys_are_kept(key: str) -> None:
    assert redact({key: "plain"}) == {key: "plain"}


def test_a_count_under_a_secret_key_is_kept() -> None:
    assert redact({"token": 17, "password": None}) == {"token": 17, "password": None}


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijkl",
        "lsv2_pt_0123456789abcdef",
        "ork_0123456789abcdef-_XYZ",
        "Bearer abcdefghijkl.mnop",
        "ghp_0123456789abcdefABCDEF",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "api_key=abcdefghijk",
        "password: hunter22",
        '\\"password\\": \\"hunter22',
    ],
)
def test_what_looks_like_a_secret_goes(secret: str) -> None:
    text = redact(f"before {secret} after")

    assert may_hold_secret(secret.encode())
    assert REDACTED in text
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert secret not in text


def test_user_and_password_of_a_url_go_and_the_rest_stays() -> None:
    assert redact("postgresql://me:pw@db:5432/x") == f"postgresql://{REDACTED}@db:5432/x"


def test_plain_text_stays_as_it_is() -> None:
    text = "run 2d9f8d9a-0000 took 3 s: http://127.0.0.1:8123/ok"

    assert redact(text) == text


def test_nested_values_are_redacted() -> None:
    value = {"headers": [{"cookie": "a=b"}, "Bearer abcdefghijkl"], "bytes": b"sk-abcdefghijkl"}

    assert redact(value) == {
        "headers": [{"cookie": REDACTED}, f"Bearer {REDACTED}"],
        "bytes": REDACTED,
    }


def test_what_is_nested_too_deep_is_not_trusted() -> None:
    value: object = "plain"
    for _ in range(20):
        value = [value]

    assert "plain" not in str(redact(value))
