"""API keys: a file of names and hashes, of which several may be good at once."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from outrigger_server.api.auth.authenticator import Refused, bearer
from outrigger_server.api.auth.watched_file import WatchedFile
from outrigger_server.domain.access import User

HEADER = "x-api-key"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
_LINE = re.compile(rf"({NAME.pattern})\s*:\s*([0-9a-fA-F]{{64}})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Whose key it is, and the SHA-256 of it in hexadecimal digits."""

    name: str
    digest: str


def new_key() -> str:
    """A key nobody can guess."""
    return "ork_" + secrets.token_urlsafe(32)


def digest_of(key: str) -> str:
    """What is stored of a key. It is random and long, so a plain hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def parse_keys(text: str) -> tuple[ApiKey, ...]:
    """The keys in a file of lines `name:hash`; empty lines and those that begin with # are none.

    Raises:
        ValueError: A line is of another form; it is told by its number only.
    """
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            msg = (
                f"line {number} is not of the form name:hash; make it with: outrigger keys new NAME"
            )
            raise ValueError(msg)
        keys.append(ApiKey(found[1], found[2].lower()))
    return tuple(keys)


@dataclass(frozen=True, slots=True)
class ApiKeyAuthenticator:
    """Lets in whoever shows a key of the file."""

    file: WatchedFile[tuple[ApiKey, ...]]
    reads_body: bool = False

    async def authenticate(self, request: Request) -> User:
        """The one whose key it is."""
        given = request.headers.get(HEADER) or bearer(request)
        if given is None:
            raise Refused("missing", "Give an API key: x-api-key, or Authorization: Bearer")
        name = _owner(self.file.content(), digest_of(given))
        if name is None:
            raise Refused("invalid", "Invalid API key")
        return User(name)


def _owner(keys: Sequence[ApiKey], digest: str) -> str | None:
    """Whose it is; takes as long whether or not, and whichever, a key is the one."""
    name = None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            name = key.name
    return name
