"""The boards' JSON is what the types of Grafana's SDK say, to the last field."""

import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from grafana_foundation_sdk.models import (
    bargauge,
    dashboard,
    heatmap,
    stat,
    statetimeline,
    timeseries,
)

from harness.boards import boards
from outrigger_dashboards.linter.documents import spots

CLASSIC = 42
OPTIONS = {
    "stat": stat.Options,
    "timeseries": timeseries.Options,
    "heatmap": heatmap.Options,
    "bargauge": bargauge.Options,
    "state-timeline": statetimeline.Options,
}


@pytest.fixture(params=boards())
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    return boards()[request.param]


def wrong(value: Any, wanted: Any, where: str) -> Iterator[str]:
    """Every place where a value is not of the type that the SDK gives it.

    The values of overrides may be anything: the SDK types them so.
    """
    origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        found = [list(wrong(value, each, where)) for each in inner]
        if all(found):  # what fits best says most
            yield from max(found, key=lambda each: len(each[0].split()[0]))
    elif origin in (list, dict):
        yield from wrong_container(value, wanted, where)
    elif origin is typing.Literal and value not in inner:
        yield f"{where} is {value!r}"
    elif isinstance(wanted, type) and wanted is not object:
        yield from wrong_instance(value, wanted, where)


def wrong_container(value: Any, wanted: Any, where: str) -> Iterator[str]:
    kind, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if not isinstance(value, kind):
        yield f"{where} is no {kind.__name__}"
        return
    named = value.items() if kind is dict else enumerate(value)
    for name, each in named:
        yield from wrong(each, inner[-1], f"{where}[{name}]")


def wrong_instance(value: Any, wanted: Any, where: str) -> Iterator[str]:
    if issubclass(wanted, Enum):
        if value not in [each.value for each in wanted]:
            yield f"{where} is {value!r}, no {wanted.__name__}"
        return
    if wanted.__module__.startswith("grafana_foundation_sdk") and isinstance(value, dict):
        value = wanted.from_json(value)  # the SDK leaves some objects as they were read
    fits = (int, float) if wanted is float else wanted
    if not isinstance(value, fits) or (wanted in (int, float) and isinstance(value, bool)):
        yield f"{where} is {value!r}, no {wanted.__name__}"
    elif wanted.__module__.startswith("grafana_foundation_sdk"):
        for name, hint in typing.get_type_hints(wanted).items():
            yield from wrong(getattr(value, name), hint, f"{where}.{name}")


def known_fields(kind: type) -> set[str]:
    """The names in JSON that the SDK's type writes when every field is there."""
    empty = kind()
    for name in vars(empty):
        if getattr(empty, name) is None:
            setattr(empty, name, "there")
    return set(empty.to_json())


def test_no_field_is_unknown_to_grafana(board: dict[str, Any]) -> None:
    assert board.keys() <= known_fields(dashboard.Dashboard)
    for spot in spots(board):
        assert spot.panel.keys() <= known_fields(dashboard.Panel), spot.name
        options = OPTIONS[spot.panel["type"]]
        assert spot.panel["options"].keys() <= known_fields(options), spot.name
        defaults = spot.panel["fieldConfig"]["defaults"]
        assert defaults.keys() <= known_fields(dashboard.FieldConfig), spot.name


def test_a_wrong_type_is_found(board: dict[str, Any]) -> None:
    board["refresh"] = 30
    board["panels"][1]["gridPos"]["w"] = "wide"
    board["graphTooltip"] = 7
    told = list(wrong(dashboard.Dashboard.from_json(board), dashboard.Dashboard, "board"))
    assert [each.split()[0] for each in told] == [
        "board.graph_tooltip",
        "board.refresh",
        "board.panels[1].grid_pos.w",
    ]


def test_it_is_the_classic_schema_with_nothing_of_newer_ones(board: dict[str, Any]) -> None:
    assert board["schemaVersion"] == CLASSIC
    assert "placement" not in str(board["links"])
    assert board.get("id") is None


def test_what_the_sdk_leaves_empty_is_filled(board: dict[str, Any]) -> None:
    for spot in spots(board):
        assert isinstance(spot.panel["id"], int)
        if spot.panel["type"] in {"stat", "bargauge"}:
            assert spot.panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            assert variable["current"] == {"selected": True, "text": ["All"], "value": ["$__all"]}
