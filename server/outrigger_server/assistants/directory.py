"""Finds assistants by id, by the name of their graph, or by what they are like."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.assistant import Assistant, AssistantVersion, system_assistant
from outrigger_server.domain.clock import Clock
from outrigger_server.errors import InvalidRequest, NotFound
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.stores.assistants import (
    AssistantFilter,
    Page,
    count_assistants,
    get_assistant,
    list_versions,
    put_system_assistants,
    search_assistants,
)
from outrigger_server.stores.base import Database


class AssistantDirectory:
    """The assistants of this server's graphs; those of other graphs are not shown."""

    def __init__(self, database: Database, registry: GraphRegistry, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._system: dict[str, Assistant] = {}

    @property
    def graph_ids(self) -> tuple[str, ...]:
        """The graphs that are served."""
        return self._registry.ids

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

        What others changed is seen at once: users' assistants are read anew each time.

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

    def wanted(
        self,
        graph_id: str | None,
        name: str | None,
        metadata: Mapping[str, Any] | None,
        allowed: Filter = EVERYTHING,
    ) -> AssistantFilter:
        """A filter for `search` and `count`.

        Raises:
            NotFound: No such graph is served.
        """
        graph_ids = self._registry.ids
        if graph_id is not None:
            graph_ids = (self._registry.source(graph_id).graph_id,)
        return AssistantFilter(graph_ids, name, metadata or {}, allowed)

    async def search(self, wanted: AssistantFilter, page: Page) -> tuple[list[Assistant], int]:
        """The assistants that match every condition, and how many there are in all."""
        return await self._database.read(partial(search_assistants, wanted=wanted, page=page))

    async def count(self, wanted: AssistantFilter) -> int:
        """How many assistants match every condition."""
        return await self._database.read(partial(count_assistants, wanted=wanted))

    async def versions(
        self, assistant_id: str, metadata: Mapping[str, Any], page: Page
    ) -> list[AssistantVersion]:
        """The assistant's versions, newest first.

        Raises:
            NotFound: There is no such assistant.
        """
        job = partial(list_versions, assistant_id=assistant_id, metadata=metadata, page=page)
        return await self._database.read(job)
