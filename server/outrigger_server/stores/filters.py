"""What an authorization filter lets through, as conditions of a query."""

from typing import Any

from sqlalchemy import ColumnElement, Connection

from outrigger_server.domain.access import Filter
from outrigger_server.stores.json_entries import element_test, entry_test


def filter_conditions(
    connection: Connection, column: ColumnElement[Any], allowed: Filter
) -> list[ColumnElement[bool]]:
    """The conditions on a column of metadata that only the rows let through fulfil."""
    has_entry, has_element = entry_test(connection), element_test(connection)
    conditions = [has_entry(column, key, value) for key, value in allowed.equal.items()]
    for key, elements in allowed.contains.items():
        conditions += [has_element(column, key, each) for each in elements]
    return conditions
