"""The servers that tests share, each started when the first test asks; and no secret in a log."""

from hypothesis import settings

from harness.leaks import no_secret_in_logs, pytest_runtest_makereport
from harness.postgres import postgres_server
from harness.redis import redis_server

__all__ = [
    "no_secret_in_logs",
    "postgres_server",
    "pytest_runtest_makereport",
    "redis_server",
]

# For a search that takes its time: pytest --hypothesis-profile thorough
settings.register_profile("thorough", max_examples=10 * settings.default.max_examples)
