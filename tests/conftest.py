"""The servers that tests share; each starts when the first test asks for it."""

from harness.postgres import postgres_server
from harness.redis import redis_server

__all__ = ["postgres_server", "redis_server"]
