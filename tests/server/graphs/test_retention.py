"""How long threads and items stay, and how items are indexed: read from langgraph.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from outrigger_server.domain.item import ItemTtl
from outrigger_server.domain.thread import Ttl, TtlStrategy
from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.manifest import Manifest, load_manifest
from outrigger_server.graphs.retention import Retention


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "agent.py").touch()
    return tmp_path


def load(here: Path, **keys: Any) -> Manifest:
    path = here / "langgraph.json"
    path.write_text(json.dumps({"graphs": {"agent": "./agent.py:graph"}, **keys}))
    return load_manifest(path, {})


def test_without_a_word_threads_and_items_stay(here: Path) -> None:
    manifest = load(here)
    assert manifest.retention == Retention()
    assert (manifest.retention.threads, manifest.retention.items) == (None, ItemTtl())
    assert manifest.index is None


def test_what_is_said_is_read(here: Path) -> None:
    threads = {"strategy": "keep_latest", "default_ttl": 60, "sweep_interval_minutes": 2}
    items = {"default_ttl": 7.5, "refresh_on_read": False, "sweep_interval_minutes": 3}
    manifest = load(
        here, checkpointer={"ttl": {**threads, "sweep_limit": 10}}, store={"ttl": items}
    )
    assert manifest.retention == Retention(
        threads=Ttl(60.0, TtlStrategy.KEEP_LATEST),
        thread_sweep_minutes=2.0,
        thread_sweep_limit=10,
        items=ItemTtl(7.5, refresh_on_read=False),
        item_sweep_minutes=3.0,
    )
    assert manifest.ignored_keys == ()


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"checkpointer": {"ttl": 5}}, "checkpointer.ttl: must be an object"),
        ({"checkpointer": []}, "checkpointer: must be an object"),
        ({"checkpointer": {"ttl": {"default_ttl": 0}}}, "default_ttl: must be a number above 0"),
        ({"checkpointer": {"ttl": {"default_ttl": True}}}, "default_ttl: must be a number"),
        ({"checkpointer": {"ttl": {"strategy": "x"}}}, "strategy: must be one of delete"),
        ({"store": {"ttl": {"refresh_on_read": 1}}}, "refresh_on_read: must be true or false"),
        ({"store": {"index": {"dims": 3}}}, "store.index.embed: must be"),
        ({"store": {"index": {"embed": "a:b"}}}, "store.index.dims: must be"),
        ({"store": {"index": {"embed": "a:b", "dims": 3, "fields": "x"}}}, "store.index.fields"),
        ({"store": {"index": {"embed": "./no.py:b", "dims": 3}}}, "does not exist"),
    ],
    ids=str,
)
def test_what_is_wrong_stops_the_start(here: Path, keys: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(here, **keys)
    assert fault in caught.value.message


def test_an_embedding_is_a_function_or_a_providers_model(here: Path) -> None:
    def index(embed: str) -> Any:
        return load(here, store={"index": {"embed": embed, "dims": 3}}).index

    for embed, attribute in (("./agent.py:embed", "embed"), ("my.package:embed", "embed")):
        found = index(embed)
        assert (found.place.attribute, found.dims, found.fields) == (attribute, 3, ("$",))
    assert index("openai:text-embedding-3-small").place is None
