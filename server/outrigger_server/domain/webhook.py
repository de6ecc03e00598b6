"""Webhooks: what may be called, when a failed call is made again, and how a call is signed."""

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from outrigger_server.domain.clock import MICROSECONDS

SCHEMES = ("http", "https")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """Which URLs may be called and what every call carries: `webhooks` in `langgraph.json`."""

    require_https: bool = False
    allowed_domains: tuple[str, ...] = ()
    """Hosts, and `*.domain` for the hosts below one; empty allows every public host."""
    allowed_ports: tuple[int, ...] = ()
    max_url_length: int = 4096
    allow_loopback: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def allows_host(self, host: str) -> bool:
        """True when the host is among the allowed domains, or all are allowed."""
        return not self.allowed_domains or any(
            _is_below(host, domain) for domain in self.allowed_domains
        )

    def allows_address(self, host: str, address: Address) -> bool:
        """True when the host may be called at this address of it.

        Public ones always; a private one when `allowed_domains` spells the host out;
        loopback when that was allowed; link-local ones, where clouds keep secrets, never.
        """
        plain = _unwrapped(address)
        if plain.is_loopback:
            return self.allow_loopback
        if plain.is_link_local or plain.is_multicast or plain.is_unspecified:
            return False
        if plain.is_global:
            return True
        return plain.is_private and host in self.allowed_domains


def _is_below(host: str, domain: str) -> bool:
    if domain.startswith("*."):
        return host.endswith(domain[1:])
    return host == domain


_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it stands for one."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR and address.sixtofour is not None:
        return address.sixtofour
    return address


def pause_seconds(tries: int, chance: float) -> float:
    """How long to wait after so many tries: doubling, of which `chance` (0 to 1) decides half."""
    whole = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 20))
    return whole * (0.5 + 0.5 * chance)


def signature(secret: str, now: int, body: bytes) -> str:
    """The value of `X-Outrigger-Signature` for a body sent at the time `now`.

    `t=<seconds>,v1=<hex>`: HMAC-SHA256 of the seconds, a dot and the body.
    """
    seconds = now // MICROSECONDS
    signed = b"%d." % seconds + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"
