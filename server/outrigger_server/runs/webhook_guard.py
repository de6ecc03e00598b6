"""Keeps webhooks from reaching what only this machine can: refuses URLs, pins addresses.

A URL is looked at when a run is created and again before each call, since names change
their addresses. The call then goes to the very address that was looked at.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from outrigger_server.domain.webhook import SCHEMES, Address, WebhookRules
from outrigger_server.errors import InvalidRequest

RESOLVE_SECONDS = 5.0
RESOLVE_THREADS = 4

_LARGEST_PORT = 65_535

DISABLED = "not served here (http.disable_webhooks in langgraph.json); leave it out"

Resolve = Callable[[str], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook is sent: its URL, and the address of its host."""

    url: httpx.URL
    address: Address

    @property
    def pinned(self) -> httpx.URL:
        """The URL with the address in place of the host."""
        return self.url.copy_with(host=str(self.address))


class Resolver:
    """Looks up names in a few threads of its own, so that slow ones hold up nobody else."""

    def __enter__(self) -> Self:
        self._threads = ThreadPoolExecutor(RESOLVE_THREADS, "webhook-names")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def resolve(self, host: str) -> list[str]:
        """The addresses of a host; empty when it has none, or too slow a name server."""
        loop = asyncio.get_running_loop()
        looking = loop.run_in_executor(self._threads, _addresses, host)
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                return await looking
        except (OSError, UnicodeError):  # a time-out is an OSError, too
            return []


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class WebhookGuard:
    """Decides which URLs may be called."""

    def __init__(self, rules: WebhookRules, resolve: Resolve, *, disabled: bool = False) -> None:
        """With `disabled` none may, also none of those that are still to be called."""
        self._rules = rules
        self._resolve = resolve
        self._disabled = disabled

    async def check(self, text: str) -> Target:
        """Where a call of this URL goes.

        Raises:
            InvalidRequest: It may not be called, or its host has no address.
        """
        if self._disabled:
            raise _refusal(
                "not served here (http.disable_webhooks in langgraph.json); leave it out"
            )
        url = self._parsed(text)
        addresses = [_address(each) for each in await self._resolve(url.host)]
        if not addresses:
            raise _refusal(f"the host {url.host!r} has no address; check its name")
        for address in addresses:
            if not self._rules.allows_address(url.host, address):
                raise _refusal(
                    f"the host {url.host!r} has an address that is not public; the operator may "
                    "allow it in langgraph.json (webhooks.url)"
                )
        return Target(url, addresses[0])

    def _parsed(self, text: str) -> httpx.URL:
        rules = self._rules
        if len(text) > rules.max_url_length:
            raise _refusal(f"the URL is longer than {rules.max_url_length} characters")
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, UnicodeError):
            raise _refusal("not a URL; give one such as https://example.org/hook") from None
        schemes = SCHEMES[1:] if rules.require_https else SCHEMES
        if url.scheme not in schemes:
            raise _refusal(
                f"give a whole URL that begins with {' or '.join(f'{s}://' for s in schemes)}"
            )
        if not url.host:
            raise _refusal("the URL has no host")
        if not rules.allows_host(url.host):
            raise _refusal(f"the host {url.host!r} is not among the allowed domains")
        port = url.port or (443 if url.scheme == "https" else 80)
        if port > _LARGEST_PORT or (rules.allowed_ports and port not in rules.allowed_ports):
            raise _refusal(f"port {port} is not allowed")
        return url


def _address(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])


def _refusal(why: str) -> InvalidRequest:
    return InvalidRequest(f"webhook: {why}")
