"""Assistants' rows; for now those that the system makes, one for each graph."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, select, update

from outrigger_server.domain.assistant import Assistant
from outrigger_server.errors import NotFound
from outrigger_server.stores.dialect import insert_or_ignore
from outrigger_server.stores.tables import assistants


def put_system_assistants(connection: Connection, wanted: Sequence[Assistant]) -> None:
    """Make the graphs' system assistants that are missing; the others keep their times."""
    add = insert_or_ignore(connection, assistants)
    for assistant in sorted(wanted, key=lambda each: each.assistant_id):  # one order for all
        connection.execute(add, asdict(assistant))
        connection.execute(
            update(assistants)
            .where(assistants.c.assistant_id == assistant.assistant_id)
            .values(description=assistant.description)
        )


def get_assistant(connection: Connection, assistant_id: str) -> Assistant:
    """The assistant.

    Raises:
        NotFound: There is none.
    """
    query = select(assistants).where(assistants.c.assistant_id == assistant_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound
    return Assistant(**row)


def list_assistants(connection: Connection, *, graph_ids: Sequence[str]) -> list[Assistant]:
    """The assistants of these graphs, by id."""
    query = (
        select(assistants)
        .where(assistants.c.graph_id.in_(graph_ids))
        .order_by(assistants.c.assistant_id)
    )
    return [Assistant(**row) for row in connection.execute(query).mappings()]
