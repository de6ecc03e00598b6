"""LangSmith, or whatever speaks like it, where traces go in the end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import orjson

from outrigger_sidecar.relay.records import Fact
from outrigger_sidecar.relay.spool import Batch

DEFAULT_OPERATIONS = 100
DEFAULT_BYTES = 10 * 1024 * 1024
MOST_OPERATIONS = 1000
MOST_BYTES = 20 * 1024 * 1024
"""Held in memory while it is sent, packed and unpacked."""

LONGEST_RETRY_AFTER = 3600.0


class Verdict(Enum):
    """What came of sending a batch."""

    OK = "ok"
    RETRY = "retry"
    DENIED = "denied"
    """The key or the address is wrong: a person must act, then it will go."""
    REFUSED = "refused"
    """It will never be taken as it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, why in a few words fit for strangers, and the pause the upstream asks for."""

    verdict: Verdict
    why: str = ""
    retry_after: float | None = None
    status: int = 0


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the upstream says of itself."""

    version: str = ""
    zstd: bool = False
    max_operations: int = DEFAULT_OPERATIONS
    max_bytes: int = DEFAULT_BYTES


class Upstream:
    """The upstream's address, key and abilities. Made by `open_upstream`."""

    def __init__(self, client: httpx.AsyncClient, headers: Mapping[str, str]) -> None:
        self.client = client
        self._headers = dict(headers)
        self.abilities: Abilities | None = None

    @property
    def key_headers(self) -> Mapping[str, str]:
        """The headers that carry the key."""
        return self._headers

    async def ask_abilities(self) -> Answer:
        """Learn what the upstream can, unless that is known."""
        if self.abilities is not None:
            return Answer(Verdict.OK)
        try:
            response = await self.client.get("info", headers=self._headers)
        except httpx.HTTPError as error:
            return _unreachable(error)
        if response.status_code == HTTPStatus.NOT_FOUND:  # an old one, or not LangSmith's
            self.abilities = Abilities()
            return Answer(Verdict.OK)
        answer = judge(response)
        if answer.verdict is Verdict.OK:
            self.abilities = _read_abilities(response.content)
        elif answer.verdict is Verdict.REFUSED:
            answer = Answer(Verdict.RETRY, answer.why)
        return answer

    async def send(self, batch: Batch) -> Answer:
        """Send a batch once."""
        head = batch.heads[0]
        if head.facts.is_single:
            return await self._post_single(batch)
        closing = b"--" + batch.segment.boundary + b"--\r\n"
        body = b"".join([*batch.contents, closing])
        boundary = batch.segment.boundary.decode()
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        if self.abilities is not None and self.abilities.zstd:
            import zstandard

            body = zstandard.ZstdCompressor(level=1).compress(body)
            headers["content-encoding"] = "zstd"
        return await self._request("POST", "runs/multipart", body, headers)

    async def _post_single(self, batch: Batch) -> Answer:
        head, body = batch.heads[0], batch.contents[0]
        headers = {"content-type": "application/json"}
        if head.facts & Fact.SINGLE_PATCH:
            path = f"runs/{UUID(bytes=head.run)}"
            answer = await self._request("PATCH", path, body, headers)
            # Not a wrong address: the upstream has no such run, and will not get it.
            gone = answer.status == HTTPStatus.NOT_FOUND
            return Answer(Verdict.REFUSED, answer.why) if gone else answer
        return await self._request("POST", "runs", body, headers)

    async def _request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        try:
            response = await self.client.request(
                method, path, content=body, headers={**self._headers, **headers}
            )
        except httpx.HTTPError as error:
            return _unreachable(error)
        return judge(response)


def judge(response: httpx.Response) -> Answer:
    """Say what an answer means for what was sent."""
    status = response.status_code
    why = f"it answers {status}"
    wait = retry_after(response.headers.get("retry-after", ""), datetime.now(UTC))
    match status:
        case 409:  # it has these runs already
            return Answer(Verdict.OK)
        case 401 | 402 | 403 | 404 | 405:
            return Answer(Verdict.DENIED, why, wait, status)
        case 408 | 425 | 429:
            return Answer(Verdict.RETRY, why, wait)
        case _ if status < HTTPStatus.MULTIPLE_CHOICES:
            return Answer(Verdict.OK)
        case _ if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Answer(Verdict.REFUSED, why)
        case _:
            return Answer(Verdict.RETRY, why, wait)


def retry_after(value: str, now: datetime) -> float | None:
    """Read a Retry-After, seconds or a date; None when there is none that can be read."""
    text = value.strip()
    if text.isdigit():
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), LONGEST_RETRY_AFTER)


def _unreachable(error: httpx.HTTPError) -> Answer:
    slow = isinstance(error, httpx.TimeoutException)
    return Answer(Verdict.RETRY, "it does not answer in time" if slow else "no connection")


def _read_abilities(content: bytes) -> Abilities:
    try:
        info = orjson.loads(content)
    except ValueError:
        return Abilities()
    info = info if isinstance(info, dict) else {}
    flags, batch = info.get("instance_flags"), info.get("batch_ingest_config")
    flags = flags if isinstance(flags, dict) else {}
    batch = batch if isinstance(batch, dict) else {}
    return Abilities(
        version=str(info.get("version") or ""),
        zstd=flags.get("zstd_compression_enabled") is True,
        max_operations=_at_most(batch.get("size_limit"), DEFAULT_OPERATIONS, MOST_OPERATIONS),
        max_bytes=_at_most(batch.get("size_limit_bytes"), DEFAULT_BYTES, MOST_BYTES),
    )


def _at_most(value: Any, default: int, most: int) -> int:
    return min(value, most) if isinstance(value, int) and value > 0 else default


@asynccontextmanager
async def open_upstream(
    url: str, key: str | None, workspace: str | None, *, seconds: float
) -> AsyncIterator[Upstream]:
    """Hold connections to the upstream for as long as the block lasts."""
    headers = {} if key is None else {"x-api-key": key}
    if workspace:
        headers["x-tenant-id"] = workspace
    limits = httpx.Limits(max_connections=20, max_keepalive_connections=2)
    async with httpx.AsyncClient(
        base_url=f"{url}/", timeout=seconds, limits=limits, follow_redirects=False
    ) as client:
        yield Upstream(client, headers)
