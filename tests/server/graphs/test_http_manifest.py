"""The parts `http` and `auth` of the manifest: what they give, and how they say no."""

import json
from pathlib import Path

import pytest

from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.http_manifest import HttpSpec, Patterns
from outrigger_server.graphs.manifest import load_manifest


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name in ("agent.py", "web.py", "rules.py"):
        (tmp_path / name).write_text("")
    return tmp_path


def load(here: Path, **parts):
    content = {"graphs": {"agent": "./agent.py:graph"}, **parts}
    (here / "langgraph.json").write_text(json.dumps(content))
    return load_manifest(here / "langgraph.json", {})


def faults_of(here: Path, **parts) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(here, **parts)
    return [fault.removeprefix(f"{here}/langgraph.json: ") for fault in caught.value.faults]


def test_without_the_parts_everything_is_as_usual(here):
    manifest = load(here)
    assert manifest.http == HttpSpec()
    assert manifest.auth is None
    assert not manifest.http.custom_routes_are_open


def test_everything_that_can_be_said_is_heard(here):
    manifest = load(
        here,
        auth={"path": "./rules.py:auth", "disable_studio_auth": True, "openapi": {"a": 1}},
        http={
            "app": "./web.py:app",
            "middleware_order": "auth_first",
            "enable_custom_route_auth": False,
            "mount_prefix": "/api/v1",
            "disable_store": True,
            "disable_mcp": True,
            "disable_runs": False,
            "cors": {"allow_origin_regex": "https://.*", "allow_methods": ["GET"], "max_age": 5},
            "configurable_headers": {"includes": ["x-*"], "excludes": ["x-b"]},
            "logging_headers": {"include": ["x-c"]},
        },
    )
    http = manifest.http
    assert (http.app.text, http.app.place) == ("./web.py:app", here / "web.py")
    assert (http.middleware_order, http.mount_prefix) == ("auth_first", "/api/v1")
    assert http.custom_routes_are_open
    assert http.disabled == {"store", "mcp"}
    assert (http.cors.allow_origins, http.cors.allow_origin_regex) == ((), "https://.*")
    assert (http.cors.allow_methods, http.cors.allow_headers) == (("GET",), ("*",))
    assert http.cors.max_age == 5
    assert http.configurable_headers == Patterns(("x-*",), ("x-b",))
    assert http.logging_headers == Patterns(("x-c",))
    assert (manifest.auth.path.text, manifest.auth.openapi) == ("./rules.py:auth", {"a": 1})
    assert manifest.warnings == ()


def test_every_fault_is_named_at_once(here):
    assert faults_of(
        here,
        auth={"path": "./missing.py:auth"},
        http={
            "app": 3,
            "middleware_order": "last",
            "enable_custom_route_auth": "yes",
            "mount_prefix": "api/",
            "disable_store": 1,
            "cors": {"allow_origins": "*", "max_age": "long", "allow_origin_regex": 1},
            "configurable_headers": {"includes": "x-*"},
            "logging_headers": ["x-a"],
        },
    ) == [
        'http.app: must be "./file.py:variable" or "package.module:variable"',
        "http.middleware_order: must be one of middleware_first, auth_first",
        "http.enable_custom_route_auth: must be true or false",
        'http.mount_prefix: must begin and not end with a slash, such as "/api"',
        "http.disable_store: must be true or false",
        "http.cors.allow_origins: must be a list of texts",
        "http.cors.allow_origin_regex: must be text",
        "http.cors.max_age: must be a number of seconds",
        "http.configurable_headers.includes: must be a list of texts",
        "http.logging_headers: must be an object",
        f'auth.path: "./missing.py" does not exist (looked for {here}/missing.py)',
    ]
    assert faults_of(here, auth="rules.py:auth", http=[]) == [
        "http: must be an object",
        "auth: must be an object",
    ]


def test_a_pattern_of_origins_that_is_none_is_a_fault(here):
    (fault,) = faults_of(here, http={"cors": {"allow_origin_regex": "https://("}})
    assert fault.startswith("http.cors.allow_origin_regex: is no regular expression: missing )")


def test_what_has_no_effect_is_warned_of(here):
    manifest = load(
        here,
        auth={"path": "./rules.py:auth", "cache": {"ttl": 1}},
        http={"shape": "round", "cors": {"colour": "red"}},
    )
    assert manifest.ignored_keys == ("auth.cache", "http.cors.colour", "http.shape")
