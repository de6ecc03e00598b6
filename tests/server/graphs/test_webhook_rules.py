"""`webhooks` of `langgraph.json`: the rules it states, and its faults."""

import pytest

from outrigger_server.domain.webhook import WebhookRules
from outrigger_server.graphs.webhook_rules import read_webhook_rules


def read(entry, **environ):
    faults = []
    rules = read_webhook_rules(entry, environ, lambda key, text: faults.append(f"{key}: {text}"))
    return rules, faults


@pytest.mark.parametrize("entry", [None, {}, {"url": {}}, {"url": None, "headers": None}])
def test_what_is_left_out_is_as_safe_as_it_can_be(entry):
    assert read(entry) == (WebhookRules(), [])
    assert not WebhookRules().allow_loopback


def test_all_rules_are_read():
    url = {
        "require_https": True,
        "allowed_domains": ["Example.org", "*.example.net"],
        "allowed_ports": [443],
        "max_url_length": 100,
        "disable_loopback": False,
    }
    headers = {"Authorization": "Bearer ${{ env.LG_WEBHOOK_TOKEN }}", "X-A": "b"}
    rules, faults = read({"url": url, "headers": headers}, LG_WEBHOOK_TOKEN="secret")
    assert faults == []
    assert rules == WebhookRules(
        require_https=True,
        allowed_domains=("example.org", "*.example.net"),
        allowed_ports=(443,),
        max_url_length=100,
        allow_loopback=True,
        headers={"authorization": "Bearer secret", "x-a": "b"},
    )


def test_only_variables_with_the_prefix_come_into_headers():
    headers = {"A": "${{ env.HOOK_A }}", "B": "${{ env.LG_WEBHOOK_B }}"}
    rules, faults = read({"env_prefix": "HOOK_", "headers": headers}, HOOK_A="1", LG_WEBHOOK_B="2")
    assert rules.headers["a"] == "1"
    assert faults == [
        "webhooks.headers.B: LG_WEBHOOK_B does not begin with HOOK_; see webhooks.env_prefix"
    ]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ([], "webhooks: must be an object"),
        ({"urls": {}}, "webhooks.urls: unknown key; use one of env_prefix, headers, url"),
        ({"url": 3}, "webhooks.url: must be an object"),
        ({"url": {"require_https": "yes"}}, "webhooks.url.require_https: must be true or false"),
        ({"url": {"allowed_ports": ["443"]}}, "webhooks.url.allowed_ports: must be a list of"),
        ({"url": {"allowed_domains": ["http://x"]}}, "webhooks.url.allowed_domains: must be a"),
        ({"url": {"max_url_length": 0}}, "webhooks.url.max_url_length: must be a whole number"),
        ({"url": {"allow_all": True}}, "webhooks.url.allow_all: unknown key"),
        ({"env_prefix": ""}, "webhooks.env_prefix: must be text"),
        ({"headers": []}, ""),
        ({"headers": ["a"]}, "webhooks.headers: must be an object"),
        ({"headers": {"Host": "x"}}, "webhooks.headers.Host: not the name of a header"),
        ({"headers": {"a b": "x"}}, "webhooks.headers.a b: not the name of a header"),
        ({"headers": {"a": 1}}, "webhooks.headers.a: must be text"),
        ({"headers": {"a": "x\r\ny: z"}}, "webhooks.headers.a: must be printable ASCII"),
        ({"headers": {"a": "${{ env.LG_WEBHOOK_NO }}"}}, "webhooks.headers.a: LG_WEBHOOK_NO is"),
    ],
)
def test_a_wrong_rule_is_told(entry, fault):
    _, faults = read(entry)
    assert "\n".join(faults).startswith(fault)
    assert len(faults) == (1 if fault else 0)


def test_a_secret_that_cannot_be_sent_is_not_shown():
    _, faults = read({"headers": {"a": "${{ env.LG_WEBHOOK_A }}"}}, LG_WEBHOOK_A="geheim\n")
    assert faults == ["webhooks.headers.a: must be printable ASCII"]
