"""Assistants' rows, and their versions: the row is always a copy of one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.assistant import Assistant, AssistantVersion, mirrored
from outrigger_server.domain.run import ThreadId
from outrigger_server.errors import AlreadyExists, Conflict, NotFound
from outrigger_server.stores.dialect import insert_or_ignore
from outrigger_server.stores.filters import filter_conditions
from outrigger_server.stores.json_entries import entry_test
from outrigger_server.stores.tables import assistant_versions, assistants, crons, threads

SYSTEM = (
    "Assistant {id} is the one that the server makes for the graph '{graph}' and cannot be "
    "changed or deleted. Make one of your own with POST /assistants."
)


def put_system_assistants(connection: Connection, wanted: Sequence[Assistant]) -> None:
    """Make the graphs' system assistants that are missing; the others keep their times."""
    add = insert_or_ignore(connection, assistants)
    add_version = insert_or_ignore(connection, assistant_versions)
    for assistant in sorted(wanted, key=lambda each: each.assistant_id):  # one order for all
        connection.execute(add, asdict(assistant))
        connection.execute(add_version, asdict(_version_of(assistant)))
        for table in (assistants, assistant_versions):
            connection.execute(
                update(table)
                .where(table.c.assistant_id == assistant.assistant_id)
                .values(description=assistant.description)
            )


def find_assistant(
    connection: Connection, assistant_id: str, *, locked: bool = False
) -> Assistant | None:
    """The assistant, or None. `locked`: nobody changes it before the transaction has ended."""
    query = select(assistants).where(assistants.c.assistant_id == assistant_id)
    row = connection.execute(query.with_for_update() if locked else query).mappings().first()
    return Assistant(**row) if row is not None else None


def get_assistant(connection: Connection, assistant_id: str) -> Assistant:
    """The assistant.

    Raises:
        NotFound: There is none.
    """
    assistant = find_assistant(connection, assistant_id)
    if assistant is None:
        raise NotFound
    return assistant


# -- change --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AssistantChange:
    """What a new version differs in; None leaves a field as it is."""

    graph_id: str | None = None
    name: str | None = None
    description: str | None = None
    config: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    clears_description: bool = False

    def applied(self, assistant: Assistant) -> Assistant:
        """The assistant with the change; metadata is merged, the rest replaced.

        Raises:
            BadState: Both `configurable` and a context are given.
        """
        config, context = self._settings(assistant)
        description = None if self.clears_description else assistant.description
        return replace(
            assistant,
            graph_id=self.graph_id or assistant.graph_id,
            name=assistant.name if self.name is None else self.name,
            description=description if self.description is None else self.description,
            config=config,
            context=context,
            metadata={**assistant.metadata, **(self.metadata or {})},
        )

    def _settings(self, assistant: Assistant) -> tuple[dict[str, Any], dict[str, Any]]:
        if self.config is None and self.context is None:
            return assistant.config, assistant.context
        config = self.config
        if config is None:  # the context takes the place of what was configurable
            config = {key: each for key, each in assistant.config.items() if key != "configurable"}
        config, context = mirrored(config, self.context)
        return config, assistant.context if context is None else context


def create_assistant(connection: Connection, assistant: Assistant) -> Assistant:
    """Add an assistant in its first version.

    Raises:
        AlreadyExists: There is one with this id.
    """
    adding = insert_or_ignore(connection, assistants).returning(assistants.c.assistant_id)
    if connection.execute(adding, asdict(assistant)).first() is None:
        raise AlreadyExists(f"Assistant {assistant.assistant_id} already exists")
    connection.execute(insert(assistant_versions), asdict(_version_of(assistant)))
    return assistant


def patch_assistant(
    connection: Connection,
    assistant_id: str,
    change: AssistantChange,
    now: int,
    allowed: Filter = EVERYTHING,
) -> Assistant:
    """Make a new version, the number after the highest there ever was, and let it be the latest.

    Raises:
        NotFound: There is no such assistant.
        Conflict: It is a system assistant.
        BadState: Both `configurable` and a context are given.
    """
    assistant = _own(connection, assistant_id, allowed)
    highest = select(func.max(assistant_versions.c.version)).where(
        assistant_versions.c.assistant_id == assistant_id
    )
    version = max(assistant.version, connection.execute(highest).scalar() or 0) + 1
    changed = replace(change.applied(assistant), version=version, updated_at=now)
    connection.execute(insert(assistant_versions), asdict(_version_of(changed)))
    return _stored(connection, changed)


def set_latest_version(
    connection: Connection,
    assistant_id: str,
    version: int,
    now: int,
    allowed: Filter = EVERYTHING,
) -> Assistant:
    """Let the assistant be what it was in that version, in everything.

    Raises:
        NotFound: There is no such assistant, or it has no such version.
        Conflict: It is a system assistant.
    """
    assistant = _own(connection, assistant_id, allowed)
    query = select(assistant_versions).where(
        assistant_versions.c.assistant_id == assistant_id,
        assistant_versions.c.version == version,
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"Version {version} not found for assistant {assistant_id}")
    was = {key: value for key, value in row.items() if key != "created_at"}
    return _stored(connection, replace(assistant, **was, updated_at=now))


def delete_assistant(
    connection: Connection, assistant_id: str, allowed: Filter = EVERYTHING
) -> None:
    """Remove the assistant with its versions and crons; its runs and threads stay.

    Raises:
        NotFound: There is no such assistant.
        Conflict: It is a system assistant.
    """
    require_own(connection, assistant_id, allowed=allowed, locked=True)
    for table in (crons, assistant_versions, assistants):
        connection.execute(delete(table).where(table.c.assistant_id == assistant_id))


def require_own(
    connection: Connection,
    assistant_id: str,
    *,
    allowed: Filter = EVERYTHING,
    locked: bool = False,
) -> None:
    """Pass when users may delete the assistant.

    Raises:
        NotFound: There is no such assistant, or it is hidden.
        Conflict: It is a system assistant.
    """
    assistant = find_assistant(connection, assistant_id, locked=locked)
    if assistant is None or not allowed.matches(assistant.metadata):
        raise NotFound(f"Assistant with ID {assistant_id} not found")
    _refuse_system(assistant)


def _own(connection: Connection, assistant_id: str, allowed: Filter) -> Assistant:
    """The assistant, locked, if users may change it."""
    assistant = find_assistant(connection, assistant_id, locked=True)
    if assistant is None or not allowed.matches(assistant.metadata):
        raise NotFound(f"Assistant {assistant_id} not found")
    _refuse_system(assistant)
    return assistant


def _refuse_system(assistant: Assistant) -> None:
    if assistant.is_system:
        raise Conflict(SYSTEM.format(id=assistant.assistant_id, graph=assistant.graph_id))


def _stored(connection: Connection, assistant: Assistant) -> Assistant:
    connection.execute(
        update(assistants)
        .where(assistants.c.assistant_id == assistant.assistant_id)
        .values(asdict(assistant))
    )
    return assistant


def _version_of(assistant: Assistant) -> AssistantVersion:
    return AssistantVersion(
        assistant_id=assistant.assistant_id,
        version=assistant.version,
        graph_id=assistant.graph_id,
        name=assistant.name,
        description=assistant.description,
        config=assistant.config,
        context=assistant.context,
        metadata=assistant.metadata,
        created_at=assistant.updated_at,
    )


def threads_of_assistant(
    connection: Connection, assistant_id: str, limit: int, allowed: Filter = EVERYTHING
) -> list[ThreadId]:
    """Some of the threads whose latest run was the assistant's, and that are let through."""
    of_assistant = entry_test(connection)(threads.c.metadata, "assistant_id", assistant_id)
    conditions = filter_conditions(connection, threads.c.metadata, allowed)
    query = select(threads.c.thread_id).where(of_assistant, *conditions).limit(limit)
    return [ThreadId(thread_id) for thread_id in connection.execute(query).scalars()]


# -- search --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AssistantFilter:
    """Which assistants are wanted; a part of the name is enough, whatever its case."""

    graph_ids: Sequence[str]
    name: str | None
    metadata: Mapping[str, Any]
    allowed: Filter = EVERYTHING


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of what was found, in which order."""

    limit: int
    offset: int
    sort_by: str = "created_at"
    descending: bool = True


def search_assistants(
    connection: Connection, wanted: AssistantFilter, page: Page
) -> tuple[list[Assistant], int]:
    """The assistants that match every condition, and how many there are in all."""
    column = assistants.c[page.sort_by]
    query = (
        select(assistants)
        .where(*_conditions(connection, wanted))
        .order_by(column.desc() if page.descending else column.asc(), assistants.c.assistant_id)
        .limit(page.limit)
        .offset(page.offset)
    )
    found = [Assistant(**row) for row in connection.execute(query).mappings()]
    return found, count_assistants(connection, wanted)


def count_assistants(connection: Connection, wanted: AssistantFilter) -> int:
    """How many assistants match every condition."""
    counting = select(func.count()).select_from(assistants)
    return connection.execute(counting.where(*_conditions(connection, wanted))).scalar_one()


def _conditions(connection: Connection, wanted: AssistantFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [assistants.c.graph_id.in_(wanted.graph_ids)]
    if wanted.name is not None:
        conditions.append(assistants.c.name.icontains(wanted.name, autoescape=True))
    conditions += filter_conditions(connection, assistants.c.metadata, wanted.allowed)
    has_entry = entry_test(connection)
    return conditions + [
        has_entry(assistants.c.metadata, *each) for each in wanted.metadata.items()
    ]


def list_versions(
    connection: Connection, assistant_id: str, metadata: Mapping[str, Any], page: Page
) -> list[AssistantVersion]:
    """The assistant's versions that have such metadata, newest first.

    Raises:
        NotFound: There is no such assistant.
    """
    if find_assistant(connection, assistant_id) is None:
        raise NotFound(f"Assistant {assistant_id} not found")
    has_entry = entry_test(connection)
    query = (
        select(assistant_versions)
        .where(
            assistant_versions.c.assistant_id == assistant_id,
            *[has_entry(assistant_versions.c.metadata, *each) for each in metadata.items()],
        )
        .order_by(assistant_versions.c.version.desc())
        .limit(page.limit)
        .offset(page.offset)
    )
    return [AssistantVersion(**row) for row in connection.execute(query).mappings()]
