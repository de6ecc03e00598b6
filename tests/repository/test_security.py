"""SECURITY.md names only what there is: settings, metrics, files and headings."""

import re
from pathlib import Path

import pytest

from outrigger_server.api.auth.gate import OPEN_PATHS
from outrigger_telemetry.metric_specs import BY_NAME
from outrigger_telemetry.setting_names import ENVIRONMENT_NAMES, FILE, SECRET_NAMES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
KNOWN = ENVIRONMENT_NAMES | {"NAME", *SECRET_NAMES}
OTHERS = {"LANGSMITH_HIDE_INPUTS", "LANGSMITH_HIDE_OUTPUTS", "LANGGRAPH_STRICT_MSGPACK"}
"""Read by libraries; that they do is looked up below."""

VARIABLES = sorted(set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", TEXT)))
LINKS = sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT)))
PATHS = sorted(set(re.findall(r"`([\w.-]+(?:/[\w.-]+)+\.\w+)`", TEXT)))


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", VARIABLES)
def test_every_setting_it_names_is_one(name: str) -> None:
    assert name in KNOWN | OTHERS or name.removesuffix(FILE) in KNOWN


@pytest.mark.parametrize("path", [*LINKS, *PATHS])
def test_every_file_it_names_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


def test_it_has_settings_links_and_paths_to_look_at() -> None:
    assert len(VARIABLES) > 30
    assert len(LINKS) >= 3
    assert len(PATHS) >= 4


def test_every_metric_and_every_heading_it_names_is_there() -> None:
    metrics = set(re.findall(r"`(langgraph_\w+_\w+)`", TEXT)) - {"langgraph_sdk"}
    assert metrics
    assert metrics <= BY_NAME.keys()
    headings = {slug(each) for each in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings


def test_it_names_every_secret_that_may_be_in_a_file_and_every_open_path() -> None:
    assert [name for name in SECRET_NAMES if f"`{name}`" not in TEXT] == []
    assert [path for path in OPEN_PATHS - {"/"} if f"`{path}`" not in TEXT] == []


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_what_libraries_read_is_read_by_them(name: str) -> None:
    import langgraph.checkpoint.serde
    import langsmith

    places = [Path(langsmith.__file__).parent]
    places += [Path(each) for each in langgraph.checkpoint.serde.__path__]
    short = name.removeprefix("LANGSMITH_")
    assert any(
        short in file.read_text(encoding="utf-8")
        for place in places
        for file in place.rglob("*.py")
    )
