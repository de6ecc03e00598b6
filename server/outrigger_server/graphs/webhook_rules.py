"""Reads `webhooks` of `langgraph.json`: which URLs may be called, and what a call carries."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from outrigger_server.domain.webhook import WebhookRules

DEFAULT_PREFIX = "LG_WEBHOOK_"

_TEMPLATE = re.compile(r"\$\{\{\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_DOMAIN = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:]+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TEXT = re.compile(r"[\t -~]*")
_OURS = frozenset({"host", "content-type", "content-length", "transfer-encoding", "user-agent"})

Fault = Callable[[str, str], None]
"""Notes what is wrong with a key."""


def read_webhook_rules(entry: Any, environ: Mapping[str, str], fault: Fault) -> WebhookRules:
    """The rules that the entry states; what it leaves out is as safe as it can be."""
    if entry is None:
        return WebhookRules()
    if not isinstance(entry, dict):
        fault("webhooks", "must be an object")
        return WebhookRules()
    _refuse_unknown("webhooks", entry, {"env_prefix", "url", "headers"}, fault)
    url = entry.get("url") or {}
    if not isinstance(url, dict):
        fault("webhooks.url", "must be an object")
        url = {}
    names = {"require_https", "allowed_domains", "allowed_ports", "max_url_length"}
    _refuse_unknown("webhooks.url", url, {*names, "disable_loopback"}, fault)
    return WebhookRules(
        require_https=_truth(url, "require_https", fault, default=False),
        allowed_domains=_domains(url, fault),
        allowed_ports=_ports(url, fault),
        max_url_length=_length(url, fault),
        allow_loopback=not _truth(url, "disable_loopback", fault, default=True),
        headers=_headers(entry, environ, fault),
    )


def _refuse_unknown(place: str, entry: Mapping[str, Any], known: set[str], fault: Fault) -> None:
    # A rule that is misspelt would silently not protect.
    for name in sorted(entry.keys() - known):
        fault(f"{place}.{name}", f"unknown key; use one of {', '.join(sorted(known))}")


def _truth(url: Mapping[str, Any], name: str, fault: Fault, *, default: bool) -> bool:
    value = url.get(name, default)
    if isinstance(value, bool):
        return value
    fault(f"webhooks.url.{name}", "must be true or false")
    return default


def _domains(url: Mapping[str, Any], fault: Fault) -> tuple[str, ...]:
    given = url.get("allowed_domains") or []
    if isinstance(given, list) and all(
        isinstance(each, str) and _DOMAIN.fullmatch(each.lower()) for each in given
    ):
        return tuple(each.lower() for each in given)
    fault("webhooks.url.allowed_domains", 'must be a list such as ["example.org", "*.example.org"]')
    return ()


def _ports(url: Mapping[str, Any], fault: Fault) -> tuple[int, ...]:
    given = url.get("allowed_ports") or []
    if isinstance(given, list) and all(
        type(each) is int and 0 < each < 65_536  # noqa: PLR2004  what a port can be
        for each in given
    ):
        return tuple(given)
    fault("webhooks.url.allowed_ports", "must be a list of ports such as [443]")
    return ()


def _length(url: Mapping[str, Any], fault: Fault) -> int:
    given = url.get("max_url_length", WebhookRules().max_url_length)
    if type(given) is int and 0 < given <= 65_536:  # noqa: PLR2004  a bound of ours
        return given
    fault("webhooks.url.max_url_length", "must be a whole number from 1 to 65536")
    return WebhookRules().max_url_length


def _headers(
    entry: Mapping[str, Any], environ: Mapping[str, str], fault: Fault
) -> Mapping[str, str]:
    given = entry.get("headers") or {}
    prefix = entry.get("env_prefix", DEFAULT_PREFIX)
    if not isinstance(prefix, str) or not prefix:
        fault("webhooks.env_prefix", f"must be text such as {DEFAULT_PREFIX}")
        prefix = DEFAULT_PREFIX
    if not isinstance(given, dict):
        fault("webhooks.headers", "must be an object of names and values")
        return {}
    found = {}
    for name, value in given.items():
        key = f"webhooks.headers.{name}"
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            fault(key, "not the name of a header that can be set here")
        elif not isinstance(value, str):
            fault(key, "must be text")
        else:
            found[name.lower()] = _filled_in(key, value, prefix, environ, fault)
    return found


def _filled_in(key: str, value: str, prefix: str, environ: Mapping[str, str], fault: Fault) -> str:
    def fill_in(match: re.Match[str]) -> str:
        name = match[1]
        if not name.startswith(prefix):
            fault(key, f"{name} does not begin with {prefix}; see webhooks.env_prefix")
        elif name not in environ:
            fault(key, f"{name} is not set")
        return environ.get(name, "") if name.startswith(prefix) else ""

    filled = _TEMPLATE.sub(fill_in, value)
    if not _TEXT.fullmatch(filled):  # the value may be a secret: it is not shown
        fault(key, "must be printable ASCII")
    return filled
