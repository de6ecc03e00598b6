"""Draws one panel. Builders of the SDK are made anew for each: they share what they hold."""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from grafana_foundation_sdk.builders import (
    bargauge,
    heatmap,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import (
    DashboardLink,
    FieldColor,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from outrigger_dashboards.drawing.variables import prometheus
from outrigger_dashboards.errors import BrokenPart, DashboardsError, WrongUse
from outrigger_dashboards.layout import Place
from outrigger_dashboards.palette import COLOURS
from outrigger_dashboards.panels import Kind, Panel, Target
from outrigger_dashboards.promql.expression import Drawn
from outrigger_dashboards.promql.queries import unit_of
from outrigger_dashboards.promql.scope import Scope

Builder: TypeAlias = (
    stat.Panel | timeseries.Panel | heatmap.Panel | bargauge.Panel | statetimeline.Panel
)
KEEPS = "&".join(
    (
        "${__url_time_range}",
        *(f"${{{name}:queryparam}}" for name in ("datasource", "job", "instance", "assistant")),
    )
)
"""What a link takes along: the time and every variable."""
_ONE_LABEL = re.compile(r"{{(\w+)}}")


def drawn_panel(
    board: str, panel: Panel, place: Place, scope: Scope, ids: Mapping[Target, int]
) -> Builder:
    """Draw a panel at its place.

    Raises:
        BrokenPart: One of its expressions is wrong; the panel is named.
    """
    try:
        drawn = [query.expression.draw(scope) for query in panel.queries]
        builder = _BUILDERS[panel.kind](panel)
        _common(builder, panel, place, _unit(drawn))
        if isinstance(builder, heatmap.Panel):
            builder.y_axis(heatmap.YAxisConfig().unit(_edge_unit(drawn, scope)))
        if panel.kind in {"lines", "stacked"}:
            _fixed_colours(builder, _series_names(panel, drawn, scope))
        if panel.leads_to is not None:
            builder.links([_link(panel.leads_to, ids)])
    except DashboardsError as error:
        raise BrokenPart(f"{board}: panel {panel.title!r}", error) from error
    for number, (query, expression) in enumerate(zip(panel.queries, drawn, strict=True)):
        builder.with_target(
            _query(panel.kind, chr(ord("A") + number), expression.text, query.legend)
        )
    return builder


def _edge_unit(drawn: list[Drawn], scope: Scope) -> str:
    """Give what the edges of the buckets are measured in; the cells are counts."""
    (metric,) = drawn[0].metrics
    return unit_of(scope.catalogue.spec(metric))


def _unit(drawn: list[Drawn]) -> str:
    """Give the one unit of all queries.

    Raises:
        WrongUse: They have several.
    """
    units = {each.unit for each in drawn}
    if len(units) != 1:
        msg = f"mixes units: {', '.join(sorted(units))}"
        raise WrongUse(msg)
    return units.pop()


def _common(builder: Builder, panel: Panel, place: Place, unit: str) -> None:
    builder.id(panel.id).title(panel.title).description(panel.description)
    builder.datasource(prometheus()).unit(unit)
    if panel.quiet or panel.kind in {"stat", "bars"}:
        builder.no_value(_when_empty(panel))
    builder.grid_pos(dashboard.GridPos(x=place.x, y=place.y, w=place.width, h=place.height))
    if panel.minimum is not None and panel.kind != "heatmap":
        builder.min(panel.minimum)
    if panel.maximum is not None:
        builder.max(panel.maximum)
    if panel.thresholds:
        steps = [
            dashboard.Threshold(value=step.value, color=step.colour) for step in panel.thresholds
        ]
        builder.thresholds(ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps))


def _series_names(panel: Panel, drawn: list[Drawn], scope: Scope) -> list[str]:
    """Tell how series will be called, as far as labels are closed or legends plain."""
    names: dict[str, None] = {}
    for query, each in zip(panel.queries, drawn, strict=True):
        label = _ONE_LABEL.fullmatch(query.legend)
        if label is None:
            names[query.legend] = None
            continue
        for metric in sorted(each.metrics & scope.catalogue.specs.keys()):
            for known in scope.catalogue.spec(metric).labels:
                if known.name == label[1]:
                    names.update(dict.fromkeys(known.values))
    return list(names)


def _fixed_colours(builder: Builder, names: list[str]) -> None:
    for name in (name for name in names if name in COLOURS):
        colour = COLOURS[name]
        value = {"mode": "fixed", "fixedColor": colour}
        builder.override_by_name(name, [dashboard.DynamicConfigValue("color", value)])


def _query(kind: Kind, ref: str, text: str, legend: str) -> Dataquery:
    query = Dataquery().datasource(prometheus()).ref_id(ref).expr(text)
    query.legend_format(legend or "__auto")
    if kind == "heatmap":
        return query.format(PromQueryFormat.HEATMAP).legend_format("{{le}}").range()
    if kind == "bars":
        return query.format(PromQueryFormat.TIME_SERIES).instant()
    return query.format(PromQueryFormat.TIME_SERIES).range()


def _link(target: Target, ids: Mapping[Target, int]) -> DashboardLink:
    if target not in ids:
        msg = f"leads to {target.board}/{target.panel}, which is not there"
        raise WrongUse(msg)
    view = f"viewPanel={ids[target]}&" if target.panel else ""
    return (
        DashboardLink("Find out why")
        .type(dashboard.DashboardLinkType.LINK)
        .url(f"/d/{target.board}?{view}{KEEPS}")
    )


def _stat(panel: Panel) -> stat.Panel:
    colour = (
        common.BigValueColorMode.BACKGROUND if panel.thresholds else common.BigValueColorMode.NONE
    )
    return (
        stat.Panel()
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(colour)
        .graph_mode(common.BigValueGraphMode.AREA)
    )


def _lines(panel: Panel) -> timeseries.Panel:
    return (
        timeseries.Panel()
        .legend(
            VizLegendOptions()
            .show_legend(show_legend=True)
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
        )
        .tooltip(
            VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .line_width(2)
        .fill_opacity(60 if panel.kind == "stacked" else 8)
        .show_points(common.VisibilityMode.NEVER)
        .color_scheme(FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    )


def _stacked(panel: Panel) -> timeseries.Panel:
    return _lines(panel).stacking(StackingConfig().mode(common.StackingMode.NORMAL).group("A"))


def _heatmap(_: Panel) -> heatmap.Panel:
    return heatmap.Panel().calculate(calculate=False).cell_gap(1).show_legend()


def _bars(panel: Panel) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _when_empty(panel: Panel) -> str:
    """What a panel says when there is nothing to show."""
    return f"none until {panel.quiet}" if panel.quiet else "no data"


def _states(_: Panel) -> statetimeline.Panel:
    return statetimeline.Panel().color_scheme(
        FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS)
    )


_BUILDERS: Mapping[Kind, Callable[[Panel], Builder]] = {
    "stat": _stat,
    "lines": _lines,
    "stacked": _stacked,
    "heatmap": _heatmap,
    "bars": _bars,
    "states": _states,
}
