"""Which addresses webhooks may reach, how long they wait, how they are signed."""

import hashlib
import hmac
from ipaddress import ip_address

import pytest

from outrigger_server.domain.webhook import (
    LONGEST_PAUSE_SECONDS,
    WebhookRules,
    pause_seconds,
    signature,
)

SAFE = WebhookRules()


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_may_be_reached(address):
    assert SAFE.allows_address("example.org", ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"),
        *("10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1"),
        *("169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"),
        *("0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1"),
        *("2002:7f00:1::", "192.0.2.1"),
    ],
)
def test_others_may_not(address):
    assert not SAFE.allows_address("example.org", ip_address(address))


def test_loopback_may_be_allowed_and_nothing_else_by_that():
    rules = WebhookRules(allow_loopback=True)
    assert rules.allows_address("localhost", ip_address("127.0.0.1"))
    assert rules.allows_address("localhost", ip_address("::1"))
    assert not rules.allows_address("localhost", ip_address("10.0.0.1"))


def test_a_private_address_may_be_reached_at_a_host_that_is_spelt_out():
    rules = WebhookRules(allowed_domains=("hooks.internal", "*.svc.local"))
    assert rules.allows_address("hooks.internal", ip_address("10.0.0.1"))
    assert not rules.allows_address("a.svc.local", ip_address("10.0.0.1"))
    assert not rules.allows_address("hooks.internal", ip_address("169.254.169.254"))
    assert not rules.allows_address("hooks.internal", ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("example.org", True),
        ("a.example.net", True),
        ("b.a.example.net", True),
        ("example.net", False),
        ("evilexample.net", False),
        ("sub.example.org", False),
        ("example.org.evil.com", False),
    ],
)
def test_domains_are_whole_hosts_or_all_below_one(host, is_allowed):
    rules = WebhookRules(allowed_domains=("example.org", "*.example.net"))
    assert rules.allows_host(host) is is_allowed


def test_without_domains_every_host_is_allowed():
    assert SAFE.allows_host("anything.example")


def test_pauses_double_up_to_a_limit_and_half_of_each_is_chance():
    assert [pause_seconds(tries, 1.0) for tries in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 8.0]
    assert pause_seconds(3, 0.0) == 2.0
    assert pause_seconds(1000, 1.0) == LONGEST_PAUSE_SECONDS


def test_a_signature_is_of_the_time_and_the_body():
    body = b'{"run_id":"r"}'
    digest = hmac.new(b"key", b"1800000000." + body, hashlib.sha256).hexdigest()
    assert signature("key", 1_800_000_000_900_000, body) == f"t=1800000000,v1={digest}"
