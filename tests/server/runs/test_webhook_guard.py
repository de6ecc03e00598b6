"""Which URLs may be called, and to which address a call then goes."""

import pytest

from outrigger_server.domain.webhook import WebhookRules
from outrigger_server.errors import InvalidRequest
from outrigger_server.runs.webhook_guard import Resolver, WebhookGuard

PUBLIC = "93.184.216.34"


def guard(*addresses, **rules):
    async def resolve(_host):
        return list(addresses)

    return WebhookGuard(WebhookRules(**rules), resolve)


async def test_a_call_goes_to_the_address_that_was_looked_at():
    target = await guard(PUBLIC, "93.184.216.35").check("https://user:pw@example.org:8443/a?b=c")
    assert str(target.address) == PUBLIC
    assert str(target.pinned) == "https://user:pw@93.184.216.34:8443/a?b=c"
    assert target.url.host == "example.org"


async def test_an_address_of_version_6_is_written_as_urls_write_it():
    target = await guard("2606:2800:220:1:248:1893:25c8:1946").check("http://example.org/")
    assert str(target.pinned) == "http://[2606:2800:220:1:248:1893:25c8:1946]/"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("/relative", "give a whole URL that begins with http:// or https://"),
        ("ftp://example.org/", "give a whole URL that begins with http:// or https://"),
        ("file:///etc/passwd", "give a whole URL"),
        ("nothing", "give a whole URL"),
        ("http://", "has no host"),
        ("http://[::1", "not a URL"),
        ("https://example.org:99999/", "not allowed|not a URL"),
        ("https://example.org/" + "x" * 5000, "longer than 4096"),
    ],
)
async def test_what_is_no_url_to_call_is_refused(url, why):
    with pytest.raises(InvalidRequest, match=rf"^webhook: .*({why})"):
        await guard(PUBLIC).check(url)


async def test_a_host_without_an_address_is_refused():
    with pytest.raises(InvalidRequest, match=r"'example\.org' has no address"):
        await guard().check("https://example.org/")


@pytest.mark.parametrize("addresses", [["10.0.0.1"], [PUBLIC, "127.0.0.1"], ["169.254.169.254"]])
async def test_a_host_with_any_address_that_is_not_public_is_refused(addresses):
    with pytest.raises(InvalidRequest, match="not public"):
        await guard(*addresses).check("https://example.org/")


async def test_what_the_operator_does_not_allow_is_refused():
    with pytest.raises(InvalidRequest, match=r"begins with https://"):
        await guard(PUBLIC, require_https=True).check("http://example.org/")
    with pytest.raises(InvalidRequest, match="not among the allowed domains"):
        await guard(PUBLIC, allowed_domains=("example.net",)).check("http://example.org/")
    with pytest.raises(InvalidRequest, match="port 8080 is not allowed"):
        await guard(PUBLIC, allowed_ports=(443,)).check("https://example.org:8080/")
    assert await guard(PUBLIC, allowed_ports=(443,)).check("https://example.org/")


async def test_names_are_looked_up_and_numbers_are_taken_as_they_are():
    with Resolver() as resolver:
        assert "127.0.0.1" in await resolver.resolve("127.0.0.1")
        assert await resolver.resolve("no-such-host.invalid") == []
        assert await resolver.resolve("x" * 300) == []
        # Spellings of 127.0.0.1 that a pattern over the text would miss.
        assert await resolver.resolve("2130706433") == ["127.0.0.1"]
