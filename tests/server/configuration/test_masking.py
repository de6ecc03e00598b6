import pytest

from outrigger_server.configuration.masking import masked


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("OPENAI_API_KEY", "sk-1234567890", "***"),
        ("OUTRIGGER_RELAY_KEY", "abc", "***"),
        ("OUTRIGGER_JWT_SECRET", "postgres://x", "***"),
        ("SENTRY_DSN", "https://abc@host/1", "***"),
        ("OUTRIGGER_SIDECAR_PASSWORD", "", ""),
        ("OUTRIGGER_API_KEYS_FILE", "/run/secrets/keys", "/run/secrets/keys"),
        ("OUTRIGGER_PORT", "8000", "8000"),
        ("MAX_TOKENS", "1000", "1000"),
        ("POSTGRES_URI", "postgresql://app:pw@db/app", "postgresql://app:***@db/app"),
        ("POSTGRES_URI", "postgresql://app:p/w@x@db/app", "postgresql://app:***@db/app"),
        (
            "POSTGRES_URI",
            "postgresql://db/app?user=a&password=pw",
            "postgresql://db/app?user=a&password=***",
        ),
        ("REDIS_URI", "redis://:pw@cache/0", "redis://:***@cache/0"),
        ("REDIS_URI", "redis://cache/0", "redis://cache/0"),
        ("HEADERS", "Authorization: Bearer abcdefghijkl", "Authorization: Bearer [redacted]"),
    ],
)
def test_what_is_secret_is_not_shown_and_the_rest_is(name: str, value: str, shown: str) -> None:
    assert masked(name, value) == shown
