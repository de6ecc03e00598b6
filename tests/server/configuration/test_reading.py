"""Everything that is wrong with a configuration is said at once."""

import os
from typing import Any

import pytest

from outrigger_server.configuration.reading import NEEDS_REDIS, read_configuration
from outrigger_server.errors import ConfigurationError


def faults_of(project: Any, environ: dict[str, str], *, serves: bool = True) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(environ, serves=serves, config=project.manifest)
    return list(caught.value.faults)


def test_what_is_good_is_read(project: Any, safe: dict[str, str]) -> None:
    whole = read_configuration(safe, config=project.manifest)
    assert (whole.settings.deployment.environment, list(whole.manifest.graphs)) == (
        "production",
        ["agent"],
    )


def test_faults_of_settings_and_manifest_come_together(project: Any) -> None:
    project.write(http={"mount_prefix": "api"}, webhooks=3)
    faults = faults_of(project, {"OUTRIGGER_PORT": "x", "OUTRIGGER_WROKER_SLOTS": "3"})
    assert [fault.partition(" ")[0].rstrip(":") for fault in faults] == [
        "OUTRIGGER_PORT",
        "OUTRIGGER_WROKER_SLOTS",
        *[str(project.manifest)] * 2,
    ]


def test_graphs_and_keys_are_looked_at_when_something_else_is_wrong(
    project: Any, altered: Any
) -> None:
    (project.manifest.parent / "agent.py").write_text("raise RuntimeError('no key')")
    environ = altered(
        OUTRIGGER_AUTH="api_key",
        OUTRIGGER_API_KEYS_FILE=str(project.manifest.parent / "keys"),
        OUTRIGGER_CORS_ORIGINS="*",
    )
    origins, graph, keys = faults_of(project, environ)
    assert origins.startswith("OUTRIGGER_CORS_ORIGINS is *")
    assert "graph 'agent': importing ./agent.py raised RuntimeError: no key" in graph
    assert keys.startswith("OUTRIGGER_API_KEYS_FILE: ")


def test_graphs_are_not_imported_where_the_manifest_is_wrong(project: Any) -> None:
    (project.manifest.parent / "agent.py").write_text("raise RuntimeError('no key')")
    project.write(env="missing.env")
    (fault,) = faults_of(project, {})
    assert '"missing.env" does not exist' in fault


def test_nothing_is_imported_while_all_is_well(project: Any, safe: dict[str, str]) -> None:
    (project.manifest.parent / "agent.py").write_text("raise RuntimeError('no key')")
    before = dict(os.environ)
    assert read_configuration(safe, config=project.manifest).warnings == ()
    assert dict(os.environ) == before


def test_a_worker_needs_redis(project: Any) -> None:
    assert faults_of(project, {}, serves=False) == [NEEDS_REDIS]


def test_a_manifest_that_is_not_there_is_one_fault(project: Any, safe: dict[str, str]) -> None:
    project.manifest.unlink()
    (fault,) = faults_of(project, safe | {"OUTRIGGER_AUTH": "none"})
    assert "no such file" in fault
