"""The variables of every board; the same everywhere, so that links keep them."""

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

DATASOURCE = "${datasource}"
ALL = ".+"
MATCHERS = ('job=~"$job"', 'instance=~"$instance"')
ASSISTANT = '=~"$assistant"'
ASSISTANTS = "langgraph_runs_created_total"
SCRAPED = "langgraph_sidecar_build_info"


def prometheus() -> DataSourceRef:
    """Name the data source that the board's first variable chooses."""
    return DataSourceRef(type_val="prometheus", uid=DATASOURCE)


def datasource_variable() -> DatasourceVariable:
    """Make the variable that chooses a Prometheus."""
    return DatasourceVariable("datasource").label("Data source").type("prometheus")


def query_variables() -> tuple[QueryVariable, ...]:
    """Make the variables job, instance and assistant; all of them are chosen at first."""
    return (
        _query("job", "Job", f"label_values({SCRAPED}, job)"),
        _query("instance", "Instance", f'label_values({SCRAPED}{{job=~"$job"}}, instance)'),
        _query("assistant", "Assistant", f'label_values({ASSISTANTS}{{job=~"$job"}}, assistant)'),
    )


def _query(name: str, label: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .datasource(prometheus())
        .query(query)
        .definition(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(ALL)
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    )
