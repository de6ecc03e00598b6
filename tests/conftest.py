"""The servers that tests share; each starts when the first test asks for it."""

from hypothesis import settings

from harness.postgres import postgres_server
from harness.redis import redis_server

__all__ = ["postgres_server", "redis_server"]

# For a search that takes its time: pytest --hypothesis-profile thorough
settings.register_profile("thorough", max_examples=10 * settings.default.max_examples)
