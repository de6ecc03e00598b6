"""The rules of Grafana's dashboard linter for boards and panels."""

from collections.abc import Callable, Iterator

from grafana_foundation_sdk.models import units

from outrigger_dashboards.linter.documents import Document, Spot, tree, variables

BoardRule = Callable[[Document], Iterator[str]]
PanelRule = Callable[[Spot], Iterator[str]]
_ON_TIME_CHANGE = 2
_DRAWN = {"stat", "timeseries", "heatmap", "bargauge", "state-timeline", "gauge", "table"}
_UNITS = {value for value in vars(units).values() if isinstance(value, str)} | {"ops"}


def template_datasource(board: Document) -> Iterator[str]:
    """The data source is a variable of that name."""
    found = variables(board).get("datasource")
    if found is None or found.get("type") != "datasource" or found.get("query") != "prometheus":
        yield "has no variable 'datasource' that chooses a Prometheus"
    elif found.get("label") != "Data source":
        yield "labels its variable 'datasource' otherwise than 'Data source'"


def template_job(board: Document) -> Iterator[str]:
    """There is a variable for the job."""
    yield from _query_variable(board, "job")


def template_instance(board: Document) -> Iterator[str]:
    """There is a variable for the instance."""
    yield from _query_variable(board, "instance")


def _query_variable(board: Document, name: str) -> Iterator[str]:
    found = variables(board).get(name)
    if found is None:
        yield f"has no variable {name!r}"
        return
    wanted = {"type": "query", "label": name.capitalize(), "multi": True, "allValue": ".+"}
    for key, value in wanted.items():
        if found.get(key) != value:
            yield f"variable {name!r}: {key} is {found.get(key)!r}, not {value!r}"
    if (found.get("datasource") or {}).get("uid") != "${datasource}":
        yield f"variable {name!r} does not ask the chosen data source"


def template_label_promql(board: Document) -> Iterator[str]:
    """Variables ask in valid PromQL."""
    for name, found in variables(board).items():
        query = found.get("query")
        if found.get("type") != "query" or not isinstance(query, str):
            continue
        inner = query.removeprefix("label_values(").removesuffix(")").rpartition(",")[0]
        try:
            tree(inner)
        except ValueError as error:
            yield f"variable {name!r} asks for what is no PromQL: {error}"


def template_on_time_change_reload(board: Document) -> Iterator[str]:
    """Variables are asked for anew when the time range changes."""
    for name, found in variables(board).items():
        if found.get("type") == "query" and found.get("refresh") != _ON_TIME_CHANGE:
            yield f"variable {name!r} is not read anew when the time range changes"


def uneditable_dashboard(board: Document) -> Iterator[str]:
    """What is generated is not edited by hand."""
    if board.get("editable") is not False:
        yield "can be edited"


def panel_datasource(spot: Spot) -> Iterator[str]:
    """Panels ask the chosen data source."""
    if (spot.panel.get("datasource") or {}).get("uid") != "${datasource}":
        yield "does not ask the chosen data source"


def panel_title_description(spot: Spot) -> Iterator[str]:
    """Panels have a title and a description."""
    if not spot.panel.get("title") or not spot.panel.get("description"):
        yield "lacks a title or a description"


def panel_units(spot: Spot) -> Iterator[str]:
    """Values have a unit that Grafana knows."""
    unit = ((spot.panel.get("fieldConfig") or {}).get("defaults") or {}).get("unit")
    if spot.panel.get("type") in _DRAWN and unit not in _UNITS:
        yield f"has the unit {unit!r}"


def panel_no_targets(spot: Spot) -> Iterator[str]:
    """Panels ask for something."""
    if spot.panel.get("type") in _DRAWN and not spot.targets:
        yield "asks for nothing"


BOARD_RULES: dict[str, BoardRule] = {
    "template-datasource": template_datasource,
    "template-job": template_job,
    "template-instance": template_instance,
    "template-label-promql": template_label_promql,
    "template-on-time-change-reload": template_on_time_change_reload,
    "uneditable-dashboard": uneditable_dashboard,
}
PANEL_RULES: dict[str, PanelRule] = {
    "panel-datasource": panel_datasource,
    "panel-title-description": panel_title_description,
    "panel-units": panel_units,
    "panel-no-targets": panel_no_targets,
}
