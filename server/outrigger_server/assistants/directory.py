"""Finds assistants by id or by the name of their graph."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.assistant import Assistant, system_assistant
from outrigger_server.domain.clock import Clock
from outrigger_server.errors import InvalidRequest, NotFound
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.graphs.schemas import graph_schemas
from outrigger_server.stores.assistants import (
    get_assistant,
    list_assistants,
    put_system_assistants,
)
from outrigger_server.stores.base import Database


@dataclass(frozen=True, slots=True)
class AssistantQuery:
    """Which assistants are wanted, in which order."""

    graph_id: str | None
    name: str | None
    metadata: Mapping[str, Any]
    sort_by: str
    descending: bool
    limit: int
    offset: int
    allowed: Filter = EVERYTHING

    def matches(self, assistant: Assistant) -> bool:
        """True when name and metadata are as wanted; a part of the name is enough."""
        if self.name is not None and self.name.lower() not in assistant.name.lower():
            return False
        if not self.allowed.matches(assistant.metadata):
            return False
        return all(assistant.metadata.get(key) == value for key, value in self.metadata.items())


class AssistantDirectory:
    """The assistants of this server's graphs."""

    def __init__(self, database: Database, registry: GraphRegistry, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._system: dict[str, Assistant] = {}

    async def put_system_assistants(self) -> None:
        """Make sure that every graph has its system assistant; safe to call at every start."""
        now = self._clock.now()
        wanted = [
            system_assistant(graph_id, self._registry.source(graph_id).description, now)
            for graph_id in self._registry.ids
        ]
        await self._database.write(partial(put_system_assistants, wanted=wanted))
        for assistant in wanted:
            # Nobody can change them, and every run by a graph's name asks for one.
            self._system[assistant.graph_id] = await self.get(assistant.assistant_id)

    async def get(self, assistant_id: str) -> Assistant:
        """The assistant with this id, if its graph is served.

        Raises:
            NotFound: There is none.
        """
        assistant = await self._database.read(partial(get_assistant, assistant_id=assistant_id))
        if assistant.graph_id not in self._registry:
            raise NotFound
        return assistant

    async def resolve(self, name: str) -> Assistant:
        """The assistant a run asks for: an id, or a graph's name for its system assistant.

        Raises:
            InvalidRequest: It is neither an id nor a graph's name.
            NotFound: There is no assistant with this id.
        """
        if name in self._system:
            return self._system[name]
        try:
            assistant_id = str(uuid.UUID(name))
        except ValueError:
            graphs = ", ".join(self._registry.ids)
            raise InvalidRequest(
                f"Invalid assistant: '{name}'. Must be either:\n- A valid assistant UUID, or\n"
                f"- One of the registered graphs: {graphs}"
            ) from None
        try:
            return await self.get(assistant_id)
        except NotFound as error:
            raise NotFound("Thread or assistant not found.") from error

    async def schemas(self, assistant_id: str) -> dict[str, Any]:
        """JSON schemas of what the assistant's graph takes and gives.

        Raises:
            NotFound: There is no such assistant.
            GraphFailed: Its graph could not be made.
        """
        assistant = await self.get(assistant_id)
        source = self._registry.source(assistant.graph_id)

        def describe(_connection: Connection) -> dict[str, Any]:
            with source.open_blocking({}, checkpointer=None, store=None) as graph:
                return graph_schemas(graph, graph_id=assistant.graph_id)

        return await self._database.read_with_graph(describe)

    async def search(self, query: AssistantQuery) -> tuple[list[Assistant], int]:
        """The assistants that match every condition, and how many there are in all.

        There are as many as graphs, so they are read whole and sifted here.
        """
        graph_ids = self._registry.ids if query.graph_id is None else (query.graph_id,)
        found = await self._database.read(partial(list_assistants, graph_ids=graph_ids))
        found = [assistant for assistant in found if query.matches(assistant)]
        found.sort(key=lambda each: getattr(each, query.sort_by), reverse=query.descending)
        return found[query.offset : query.offset + query.limit], len(found)
